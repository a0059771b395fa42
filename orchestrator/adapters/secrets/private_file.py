"""Credentials in a YAML file that only its owner can read.

``credentials:`` maps a name to ``username``, ``password`` and ``mechanisms``. The file
is refused unless its mode is 0600 or tighter and it is a plain file of our own.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from orchestrator.adapters.secrets.parts import NotHere, entry_of, make_credential
from orchestrator.application.ports.files import BadInputError
from orchestrator.application.ports.secrets import (
    Credential,
    CredentialEntry,
    CredentialError,
)
from orchestrator.documents.yaml_text import load_yaml

MAX_FILE_BYTES = 1024 * 1024
_OTHERS_OR_RUN = 0o177


class CredentialsFileError(CredentialError):
    """The file cannot be used; says why and what to do, never what it holds."""


class PrivateFileSource:
    """Reads and writes the credentials file."""

    def __init__(self, path: Path) -> None:
        """Keep the path; the file is read anew on each call."""
        self._path = path

    def find(self, name: str) -> Credential | NotHere:
        """The credential, or where it was looked for."""
        where = f"file {self._path}"
        try:
            listed = self._listed()
        except CredentialsFileError as error:
            return NotHere(f"{where}: {error}")
        if name not in listed:
            return NotHere(f"{where}: no {name!r} in it")
        found = _credential(name, listed[name])
        return NotHere(f"{where}: {found}") if isinstance(found, str) else found

    def entries(self) -> tuple[CredentialEntry, ...]:
        """Every usable credential of the file; none if the file is refused."""
        with suppress(CredentialsFileError):
            found = [_credential(name, part) for name, part in self._listed().items()]
            return tuple(
                entry_of(credential, str(self._path))
                for credential in found
                if isinstance(credential, Credential)
            )
        return ()

    def refusal(self) -> str | None:
        """Why the file cannot be used, where there is one."""
        if os.path.lexists(self._path):
            try:
                self._listed()
            except CredentialsFileError as error:
                return f"{self._path}: {error}"
        return None

    def save(self, credential: Credential) -> str:
        """Add or replace a credential; the file is swapped whole or not at all.

        Raises:
            CredentialsFileError: the present file is refused, or cannot be written.
        """
        listed = self._listed() if os.path.lexists(self._path) else {}
        part: dict[str, Any] = {
            "username": credential.username,
            "mechanisms": [mechanism.value for mechanism in credential.mechanisms],
        }
        if credential.secret is not None:
            part["password"] = credential.secret.reveal()
        text = yaml.safe_dump({"credentials": {**listed, credential.name: part}})
        try:
            self._swap(text.encode())
        except OSError as error:
            raise CredentialsFileError(f"{error.strerror}; check its folder") from None
        return f"file {self._path}"

    def _listed(self) -> dict[str, Any]:
        text = self._read_private()
        try:
            data = load_yaml(text, self._path.name, secret=True).data
        except BadInputError as error:
            raise CredentialsFileError(str(error.problems[0])) from None
        listed = data.get("credentials") if isinstance(data, dict) else None
        if not isinstance(listed, dict):
            raise CredentialsFileError("found no mapping 'credentials' at its top")
        return listed

    def _read_private(self) -> str:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(self._path, flags), "rb") as stream:
                _refuse_open_to_others(os.fstat(stream.fileno()))
                raw = stream.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            raise CredentialsFileError((error.strerror or "").lower()) from None
        if len(raw) > MAX_FILE_BYTES:
            raise CredentialsFileError(f"larger than {MAX_FILE_BYTES} bytes")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            # The foreign message would repeat bytes of the file.
            raise CredentialsFileError("not UTF-8; save it as UTF-8") from None

    def _swap(self, content: bytes) -> None:
        folder = self._path.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f".{self._path.name}.{uuid4().hex}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with os.fdopen(os.open(fresh, flags, 0o600), "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            fresh.replace(self._path)
        finally:
            fresh.unlink(missing_ok=True)
        _sync_folder(folder)


def _credential(name: str, part: object) -> Credential | str:
    if not isinstance(part, dict) or set(part) - {"username", "password", "mechanisms"}:
        return "found other keys than username, password and mechanisms"
    password, mechanisms = part.get("password"), part.get("mechanisms")
    return make_credential(name, part.get("username"), password, mechanisms)


def _refuse_open_to_others(status: os.stat_result) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if not stat.S_ISREG(status.st_mode):
        raise CredentialsFileError("not a plain file")
    if status.st_uid != os.geteuid():
        raise CredentialsFileError(
            f"refused: found owner {status.st_uid}, expected {os.geteuid()}; use chown"
        )
    if mode & _OTHERS_OR_RUN:
        raise CredentialsFileError(
            f"refused: found mode {mode:04o}, expected 0600; use chmod 600"
        )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
