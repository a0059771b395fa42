"""Bringing a package to a host: restricted folder, proven tools, proven hash.

A partial file is never launched: bytes arrive under a name that nothing runs, are
hashed by the host itself, and only then renamed.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from pathlib import Path
from platform import node

from orchestrator.adapters.winrm.faults import UnreadableError, WsFaultError
from orchestrator.adapters.winrm.files import in_command
from orchestrator.adapters.winrm.layout import Layout
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.security import (
    ADMINISTRATORS,
    SYSTEM,
    Descriptor,
    read_descriptor,
    restrict,
)
from orchestrator.adapters.winrm.shell import Shell
from orchestrator.adapters.winrm.tools import (
    Prover,
    StagingError,
    Toolbox,
    base64_lines,
    bring_script,
    grouped,
    hashes,
    lines_per_piece,
    put,
)
from orchestrator.adapters.winrm.wrapper import package_name
from orchestrator.adapters.winrm.wsman import WsMan
from orchestrator.application.ports.hosts import PackageSource, Route
from orchestrator.domain.hotfix import Package

_EXPECTED = f"owner and access only {ADMINISTRATORS} and {SYSTEM}, nothing inherited"
_HINT_FOLDER = "look who made or opened this folder, then remove it and stage again"
_UNC = re.compile(r"\\\\[A-Za-z0-9.-]{1,64}(?:\\[A-Za-z0-9_.$ -]{1,80}){1,12}")
_URL = re.compile(r"https?://[A-Za-z0-9.:-]{1,128}(?:/[A-Za-z0-9_.~-]{0,80}){1,12}")
_MADE = "[made]"


@dataclass(slots=True)
class Workshop:
    """An attempt's folder on one host, with an open shell beside it."""

    wsman: WsMan
    shell: Shell
    layout: Layout
    limits: WinRmLimits
    tools: Toolbox | None = None
    #: The folder as it was read back.
    descriptor: Descriptor | None = None
    #: Whether this conversation made the folder, so that nothing is in it.
    new: bool = False

    def prepare(self) -> None:
        """Create, restrict and read back; nothing of ours is inside before that.

        Raises:
            StagingError: the folder is not ours alone, and cannot be made so.
        """
        if self.descriptor is not None:
            return
        self._above()
        self._folder(self.layout.root)
        self.descriptor = self._folder(self.layout.folder)

    def _above(self) -> None:
        """Whoever may move our folder away could put another in its place."""
        windows = self.layout.windows
        try:
            found = read_descriptor(self.wsman, windows)
        except (UnreadableError, WsFaultError):
            # Ours is what has to be proven; of this one a host may say nothing.
            return
        if found.content_replaceable_by_others:
            raise StagingError(
                found=f"{windows}: {found}",
                expected="no right to delete or to own what is inside for others",
                hint="take the extra rights from the Windows folder",
            )

    def _folder(self, path: str) -> Descriptor:
        plain = in_command(path)
        made = f"(if not errorlevel 1 (echo {_MADE}))"
        lines = self.shell.run(f"md {plain} 2>nul&{made}").lines()
        self.new = _MADE in lines
        if not self.new:
            before = read_descriptor(self.wsman, path)
            if before.writable_by_others:
                raise StagingError(f"{path}: {before}", _EXPECTED, _HINT_FOLDER)
        after = restrict(self.wsman, self.shell, path)
        if not after.restricted:
            raise StagingError(f"{path}: {after}", _EXPECTED, _HINT_FOLDER)
        return after

    def proven(self) -> Toolbox:
        """The host's tools, proven once."""
        if self.tools is None:
            prover = Prover(self.shell, self.layout, self.limits)
            self.tools = prover.prove()
        return self.tools

    def hash_of(self, name: str) -> str | None:
        """The SHA-1 that the host works out; ``None`` where there is no such file."""
        command = self.proven().hash(self.layout, in_command(self.layout.at(name)))
        return self.hash_in(command)

    def hash_in(self, command: str) -> str | None:
        """The last SHA-1 that a command prints."""
        output = self.shell.run(
            command, timeout_s=self.limits.package_command_timeout_s
        )
        found = hashes(output.lines())
        return found[-1] if found else None


@dataclass(slots=True)
class Stager:
    """Stages one package by one route."""

    workshop: Workshop
    package: Package
    payload_bytes: int

    @property
    def name(self) -> str:
        """What the package is called on the host."""
        return package_name(self.package.sha1)

    def stage(self, source: PackageSource) -> str:
        """Bring the package in; the hash that the host worked out.

        Raises:
            StagingError: what arrived is not the package, or nothing arrived.
        """
        self.workshop.prepare()
        self.workshop.proven()
        found = None if self.workshop.new else self.workshop.hash_of(self.name)
        if found == self.package.sha1:
            return found
        if found is not None:
            self._run(f"del /f /q {self._at(self.name)}")
        if source.route is Route.PUSH:
            return self._push(_local(self.package, source.location))
        return self._copy(source)

    def _copy(self, source: PackageSource) -> str:
        part = self._at("package.part")
        self._run(f"del /f /q {part} 2>nul")
        location = source.location
        if source.route is Route.PRESENT:
            self._run(f"copy /b {in_command(location)} {part}")
        elif _UNC.fullmatch(location):
            quoted = f'"{location}"' if " " in location else location
            self._run(f"copy /b {quoted} {part}")
        elif _URL.fullmatch(location):
            self._fetch(location, part)
        else:
            raise StagingError(
                found=f"{location!r}",
                expected="a share or an http URL of plain characters",
                hint="give the package another name on the share",
            )
        return self._keep(self.workshop.hash_of("package.part"))

    def _fetch(self, url: str, part: str) -> None:
        shell, layout = self.workshop.shell, self.workshop.layout
        tools = self.workshop.proven()
        bring_script(shell, tools.sink, layout, self.workshop.limits)
        tool = in_command(layout.at("tool.vbs"))
        self._run(f"cscript //nologo {tool} fetch {url} {part}")

    def _push(self, data: bytes) -> str:
        segments = self._segments(data)
        # A file that a broken-off try still holds open cannot be written anew: what
        # comes out wrong is sent once more under other names.
        found = self._pushed("package", segments)
        if found != self.package.sha1:
            found = self._pushed("package2", segments)
        return self._keep(found)

    def _segments(self, data: bytes) -> list[list[bytes]]:
        """The package's base64: requests, as many as one file is made of."""
        limits = self.workshop.limits
        sink = self.workshop.proven().sink
        each = lines_per_piece(sink, limits, self.payload_bytes)
        pieces = grouped(base64_lines(data, limits.line_chars), each)
        size = limits.sends_per_segment
        return [pieces[at : at + size] for at in range(0, len(pieces), size)]

    def _pushed(self, stem: str, segments: list[list[bytes]]) -> str | None:
        names = [f"{stem}-{number}.b64" for number in range(len(segments))]
        there = self._there(names)
        sink = self.workshop.proven().sink
        for name, segment in zip(names, segments, strict=True):
            if _sha1(segment) not in there:
                put(self.workshop.shell, sink, self._at(name), segment)
        if len(names) > 1:
            parts = "+".join(self._at(name) for name in names)
            joined = self._at("package.b64")
            return self._decoded(joined, f"copy /b /y {parts} {joined}")
        return self._decoded(self._at(names[0]))

    def _there(self, names: list[str]) -> frozenset[str]:
        """The hashes of segments that an earlier try left whole."""
        if self.workshop.new:
            return frozenset()
        tools, layout = self.workshop.proven(), self.workshop.layout
        commands = (tools.hash(layout, self._at(name)) for name in names)
        timeout = self.workshop.limits.package_command_timeout_s
        lines = self.workshop.shell.run("&".join(commands), timeout_s=timeout).lines()
        return frozenset(hashes(lines))

    def _decoded(self, text: str, *first: str) -> str | None:
        part = self._at("package.part")
        tools, layout = self.workshop.proven(), self.workshop.layout
        decode = tools.decode(layout, text, part)
        then = (f"del /f /q {part} 2>nul", decode, tools.hash(layout, part))
        return self.workshop.hash_in("&".join((*first, *then)))

    def _keep(self, found: str | None) -> str:
        if found != self.package.sha1:
            raise StagingError(
                found=f"SHA-1 {found or 'of nothing'} on the host",
                expected=f"SHA-1 {self.package.sha1} of the pinned package",
                hint="check the source and the free space, then stage again",
            )
        rest = self._at("package.b64").replace("package.", "package*.")
        self._run(f"ren {self._at('package.part')} {self.name}&del /f /q {rest} 2>nul")
        return found

    def _run(self, command: str) -> None:
        timeout = self.workshop.limits.package_command_timeout_s
        self.workshop.shell.run(command, timeout_s=timeout)

    def _at(self, name: str) -> str:
        return in_command(self.workshop.layout.at(name))


def _sha1(pieces: list[bytes]) -> str:
    return hashlib.sha1(b"".join(pieces), usedforsecurity=False).hexdigest()


def _local(package: Package, location: str) -> bytes:
    """The package's bytes, if they are the ones that were pinned.

    Raises:
        StagingError: the file is not there or is another one.
    """
    try:
        data = Path(location).read_bytes()
    except OSError as error:
        raise StagingError(
            found=f"no readable file {location} on {node()} ({type(error).__name__})",
            expected="the package",
            hint="copy it there, or import it again from where it lies",
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != package.sha256:
        raise StagingError(
            found=f"SHA-256 {found} of {location}",
            expected=f"SHA-256 {package.sha256}, which was pinned",
            hint="the file was changed after it was imported; import it again",
        )
    return data


def now_s() -> float:
    """Seconds for the report; never a time of day."""
    return time.monotonic()
