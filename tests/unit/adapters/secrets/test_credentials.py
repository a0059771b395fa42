"""Credentials are found in order and never show themselves."""

from __future__ import annotations

import json
import logging
import os
import pickle
import stat
import struct
import traceback
from dataclasses import asdict
from pathlib import Path

import keyring.backends.fail
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.adapters.secrets.parts import BadCredentialNameError
from orchestrator.adapters.secrets.private_file import CredentialsFileError
from orchestrator.adapters.secrets.store import Credentials
from orchestrator.application.ports.secrets import (
    Credential,
    CredentialEntry,
    CredentialMissing,
    Mechanism,
    Secret,
)

CANARY = "c4n4ry-Zx9!"


class MemoryKeyring:
    """A keyring that works."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str, /) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str, /) -> None:
        self.kept[service, username] = password


class BrokenKeyring:
    """A keyring whose service is gone, and whose errors repeat what they were told."""

    def get_password(self, service: str, username: str, /) -> str | None:
        raise RuntimeError(f"no bus for {service} {username}")

    def set_password(self, service: str, username: str, password: str, /) -> None:
        raise RuntimeError(f"no bus for {service} {username} {password}")


class NoKeyring(keyring.backends.fail.Keyring):
    """The library's own stand-in where the system has no keyring."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # keyring's own


class Places:
    """Every source, empty, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "private" / "credentials.yml"
        self.cache = folder / "krb5cc"
        self.environment = {"KRB5CCNAME": f"FILE:{self.cache}"}
        self.keyring: MemoryKeyring | BrokenKeyring | NoKeyring
        self.keyring = MemoryKeyring()
        self.answers: dict[str, Credential] = {}

    def store(self) -> Credentials:
        return Credentials(
            environment=self.environment,
            file=self.file,
            keyring=self.keyring,
            prompt=self.answers.get,
        )

    def in_environment(self, name: str = "ADMIN") -> None:
        key = f"ORCHESTRATOR_CREDENTIAL_{name}"
        self.environment[f"{key}_USERNAME"] = "from-environment"
        self.environment[f"{key}_PASSWORD"] = CANARY

    def in_file(self, text: str | None = None, mode: int = 0o600) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(
            text
            or f"credentials:\n  admin: {{username: from-file, password: '{CANARY}'}}\n"
        )
        self.file.chmod(mode)

    def in_cache(self, user: str = "alice", realm: str = "CORP.EXAMPLE") -> None:
        texts = (realm.encode(), user.encode())
        parts = b"".join(struct.pack(">I", len(text)) + text for text in texts)
        head = struct.pack(">HH", 0x0504, 12) + bytes(12)
        self.cache.write_bytes(head + struct.pack(">II", 1, 1) + parts)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path)


def credential(name: str = "admin", password: str | None = CANARY) -> Credential:
    secret = None if password is None else Secret(password)
    kinds = (Mechanism.NTLM,) if password else (Mechanism.KERBEROS,)
    return Credential(name, "CORP\\svc", secret, kinds)


def found(places: Places, name: str = "admin") -> Credential:
    result = places.store().resolve(name)
    assert isinstance(result, Credential), result
    return result


def missing(places: Places, name: str = "admin") -> CredentialMissing:
    result = places.store().resolve(name)
    assert isinstance(result, CredentialMissing)
    return result


def test_the_first_source_in_order_wins(places: Places) -> None:
    places.answers["admin"] = Credential("admin", "from-prompt", Secret(CANARY))
    assert found(places).username == "from-prompt"
    assert places.store().save(credential()) == "keyring"
    assert found(places).username == "CORP\\svc"
    places.in_cache()
    assert found(places).username == "alice@CORP.EXAMPLE"
    places.in_file()
    assert found(places).username == "from-file"
    places.in_environment()
    assert found(places).username == "from-environment"


def test_what_is_nowhere_is_told_with_every_place_and_a_hint(places: Places) -> None:
    result = missing(places, "hq-admin")
    assert "ORCHESTRATOR_CREDENTIAL_HQ_ADMIN_USERNAME: not set" in result.looked_at[0]
    assert [place.split()[0] for place in result.looked_at] == [
        "environment",
        "file",
        "Kerberos",
        "keyring,",
        "prompt:",
    ]
    assert "orchestrator credential set hq-admin" in result.hint


@pytest.mark.parametrize("name", ["", "Admin", "a_b", "a/b", "x" * 65, "a\n", "ä"])
def test_a_name_that_is_no_credential_name_is_refused(
    places: Places, name: str
) -> None:
    with pytest.raises(BadCredentialNameError):
        places.store().resolve(name)
    with pytest.raises(BadCredentialNameError):
        places.store().save(credential(name))


def test_a_password_alone_is_for_kerberos_until_more_is_allowed(places: Places) -> None:
    places.in_environment()
    assert found(places).mechanisms == (Mechanism.KERBEROS,)
    places.environment["ORCHESTRATOR_CREDENTIAL_ADMIN_MECHANISMS"] = "Kerberos, ntlm"
    assert found(places).mechanisms == (Mechanism.KERBEROS, Mechanism.NTLM)


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("MECHANISMS", "telepathy", "mechanisms are not among"),
        ("USERNAME", "a\x1bb", "no usable username"),
        ("PASSWORD", "", "no usable password"),
        ("PASSWORD", CANARY * 50, "no usable password"),
    ],
)
def test_an_unusable_variable_is_told_without_its_value(
    places: Places, field: str, value: str, reason: str
) -> None:
    places.in_environment()
    places.environment[f"ORCHESTRATOR_CREDENTIAL_ADMIN_{field}"] = value
    assert reason in missing(places).looked_at[0]
    assert CANARY not in str(missing(places))


def test_a_user_without_a_password_is_for_kerberos_only(places: Places) -> None:
    places.environment["ORCHESTRATOR_CREDENTIAL_ADMIN_USERNAME"] = "alice@CORP"
    assert found(places).secret is None
    places.environment["ORCHESTRATOR_CREDENTIAL_ADMIN_MECHANISMS"] = "ntlm"
    assert "only Kerberos can do without" in missing(places).looked_at[0]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604, 0o700])
def test_a_file_that_others_may_read_is_refused(places: Places, mode: int) -> None:
    places.in_file(mode=mode)
    refused = missing(places).looked_at[1]
    assert f"found mode {mode:04o}, expected 0600; use chmod 600" in refused
    places.keyring = BrokenKeyring()
    with pytest.raises(CredentialsFileError):
        places.store().save(credential("other"))


def test_a_link_or_a_pipe_is_no_credentials_file(places: Places) -> None:
    places.in_file()
    real = places.file.rename(places.file.with_name("real"))
    places.file.symlink_to(real)
    assert "from-file" not in str(missing(places))
    places.file.unlink()
    os.mkfifo(places.file, 0o600)
    assert "not a plain file" in missing(places).looked_at[1]


@pytest.mark.parametrize(
    "text",
    [
        f"credentials: [{CANARY}",
        f"credentials:\n  admin: {CANARY}\n",
        f"{CANARY}: 1\n",
        f"credentials:\n  admin: {{username: x, password: *{CANARY}}}\n",
        f"credentials:\n  admin: {{username: x, pasword: {CANARY}}}\n",
        f"credentials:\n  admin: {{username: x, password: [{CANARY}]}}\n",
        f"credentials: {{admin: {{username: x, mechanisms: [{CANARY}]}}}}\n",
        f"credentials:\n  admin: {{username: x, password: '{CANARY}\x01'}}\n",
    ],
)
def test_a_broken_file_is_told_without_repeating_it(places: Places, text: str) -> None:
    places.in_file(text)
    assert CANARY not in str(missing(places))


def test_a_saved_credential_comes_back_from_a_private_file(places: Places) -> None:
    places.keyring = BrokenKeyring()
    assert places.store().save(credential()) == f"file {places.file}"
    assert places.store().save(credential("second", None)).startswith("file")
    assert stat.S_IMODE(places.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(places.file.parent.stat().st_mode) == 0o700
    assert [path.name for path in places.file.parent.iterdir()] == ["credentials.yml"]
    secret = found(places).secret
    assert secret is not None
    assert secret.reveal() == CANARY
    assert found(places, "second").secret is None


def test_without_any_keyring_the_file_is_used(places: Places) -> None:
    places.keyring = NoKeyring()
    assert places.store().save(credential()).startswith("file")
    assert "keyring: none available" in missing(places, "other").looked_at


def test_a_new_password_is_never_hidden_by_an_old_one_in_the_file(
    places: Places,
) -> None:
    places.in_file()
    places.store().save(credential(password="newer"))
    secret = found(places).secret
    assert secret is not None
    assert secret.reveal() == "newer"


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    places: Places,
) -> None:
    places.keyring = BrokenKeyring()
    places.file.parent.mkdir()
    places.file.mkdir()
    with pytest.raises(CredentialsFileError):
        places.store().save(credential())
    assert list(places.file.parent.iterdir()) == [places.file]


@settings(deadline=None)
@given(
    st.text(min_size=1, max_size=40).filter(
        lambda text: "\0" not in text and text.isprintable()
    )
)
def test_any_password_survives_file_and_keyring(
    tmp_path_factory: pytest.TempPathFactory, password: str
) -> None:
    places = Places(tmp_path_factory.mktemp("any"))
    for ring in (MemoryKeyring(), BrokenKeyring()):
        places.keyring = ring
        places.store().save(credential(password=password))
        secret = found(places).secret
        assert secret is not None
        assert secret.reveal() == password


@pytest.mark.parametrize(
    "content",
    [b"", b"\x05\x04", b"\x05\x04\x00\x00" + b"\xff" * 20, b"text", bytes(99)],
)
def test_a_broken_ticket_cache_is_no_ticket_cache(
    places: Places, content: bytes
) -> None:
    places.cache.write_bytes(content)
    assert "none, or not readable" in missing(places).looked_at[2]


@settings(deadline=None)
@given(st.binary(max_size=200).map(lambda tail: b"\x05\x04" + tail))
def test_any_bytes_are_a_ticket_cache_or_none(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    places = Places(tmp_path_factory.getbasetemp())
    places.cache.write_bytes(content)
    places.store().resolve("admin")


def test_a_cache_that_cannot_be_read_here_says_what_to_do(places: Places) -> None:
    places.environment["KRB5CCNAME"] = "KCM:1000"
    assert "give the user in the environment" in missing(places).looked_at[2]


def test_all_credentials_are_listed_without_secrets(places: Places) -> None:
    places.in_environment("HQ_ADMIN")
    places.in_file()
    places.store().save(credential("in-ring"))
    entries = places.store().entries()
    assert [(entry.name, entry.source) for entry in entries] == [
        ("hq-admin", "environment"),
        ("admin", str(places.file)),
        ("in-ring", "keyring"),
    ]
    assert isinstance(entries[0], CredentialEntry)
    assert CANARY not in repr(entries)


def test_foreign_entries_of_a_keyring_do_no_harm(places: Places) -> None:
    ring = MemoryKeyring()
    places.keyring = ring
    ring.kept["orchestrator", "admin"] = CANARY
    ring.kept["orchestrator", "_index"] = f'["{CANARY}"'
    assert "not written by this program" in missing(places).looked_at[3]
    assert CANARY not in str(missing(places))
    assert places.store().entries() == ()


def test_nothing_prints_a_secret(
    places: Places, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    places.in_environment()
    held = found(places)
    assert held.secret is not None
    with pytest.raises(TypeError) as not_json:
        json.dumps(held.secret)
    with pytest.raises(TypeError) as not_pickled:
        pickle.dumps(held)
    with pytest.raises(TypeError) as not_copied:
        asdict(held)
    logging.getLogger("any").warning("%s %r", held, held.secret)
    print(held, held.secret)  # noqa: T201 -- printing is what is tested
    told = [
        repr(held),
        f"{held}",
        f"{held.secret} {held.secret!r} {held.secret:>40}",
        json.dumps(held.secret, default=str),
        *(str(error.value) for error in (not_json, not_pickled, not_copied)),
        caplog.text,
        *capsys.readouterr(),
    ]
    assert CANARY not in "".join(told)


def test_no_traceback_of_a_failing_source_holds_a_secret(places: Places) -> None:
    places.keyring = BrokenKeyring()
    places.in_file(mode=0o644)
    with pytest.raises(CredentialsFileError) as caught:
        places.store().save(credential("other"))
    assert CANARY not in "".join(traceback.format_exception(caught.value))
