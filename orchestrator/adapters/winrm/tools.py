"""Programs of the host that staging leans on, each proven on a small sample first.

Server 2003 has certutil, but whether its certutil hashes is not certain, and another
interpreter's may do nothing and say that it did. So nothing is believed but a hash
of the sample that the host worked out itself.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files as resources

from orchestrator.adapters.winrm.faults import (
    AdapterError,
    CommandTimeoutError,
    WsFaultError,
)
from orchestrator.adapters.winrm.files import in_command
from orchestrator.adapters.winrm.layout import Layout
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.shell import Shell
from orchestrator.application.ports.hosts import StagingFailure

#: Each copies text lines from standard input; none needs a quote, which not every
#: way to start an interpreter keeps.
SINKS = ("findstr .", "more", 'find /v ""')
#: All byte values, and more than one line of base64.
SAMPLE = bytes(range(256)) * 5
SAMPLE_SHA1 = hashlib.sha1(SAMPLE, usedforsecurity=False).hexdigest()
_SHA1 = re.compile(r"[0-9a-f]{40}")
_SCRIPT = "tool.vbs"


class StagingError(AdapterError):
    """Staging cannot go on; holds the failure that is handed back."""

    def __init__(self, found: str, expected: str, hint: str) -> None:
        """Keep what was found, what was expected, and what to do."""
        self.failure = StagingFailure(found, expected, hint)
        super().__init__(f"found {found}, expected {expected}; {hint}")


@dataclass(frozen=True, slots=True)
class Toolbox:
    """Tools that were seen to work on this host."""

    sink: str
    decoder: str
    hasher: str

    def decode(self, layout: Layout, source: str, target: str) -> str:
        """The command line that turns base64 into bytes."""
        return f"{_program(self.decoder, layout, 'decode')} {source} {target}"

    def hash(self, layout: Layout, file: str) -> str:
        """The command line that prints a SHA-1, on its second line."""
        return hash_command(self.hasher, layout.at(_SCRIPT), file)


def hash_command(hasher: str, script: str, file: str) -> str:
    """How a hasher prints a file's SHA-1."""
    if hasher == "certutil":
        return f"certutil -hashfile {file} SHA1"
    return f"cscript //nologo {script} sha1 {file}"


def _program(tool: str, layout: Layout, verb: str) -> str:
    if tool == "certutil":
        return f"certutil -{verb}"
    return f"cscript //nologo {in_command(layout.at(_SCRIPT))} {verb}"


def hashes(lines: Iterable[str]) -> list[str]:
    """Every SHA-1 in an output; old tools put blanks between the bytes."""
    joined = (line.replace(" ", "").strip().lower() for line in lines)
    return [line for line in joined if _SHA1.fullmatch(line)]


def base64_lines(data: bytes, width: int) -> list[bytes]:
    """Base64 in lines, each ended as the host's tools end them."""
    text = base64.b64encode(data)
    return [text[at : at + width] + b"\r\n" for at in range(0, len(text), width)]


@cache
def script() -> str:
    """The helper script's text."""
    folder = resources("orchestrator.adapters.winrm")
    return folder.joinpath(_SCRIPT).read_text("ascii")


class Prover:
    """Finds the tools of one host, trying the usual ones first."""

    def __init__(self, shell: Shell, layout: Layout, limits: WinRmLimits) -> None:
        """Try in the attempt's folder, which is restricted already."""
        self._shell = shell
        self._layout = layout
        self._limits = limits

    def prove(self) -> Toolbox:
        """Tools that worked on the sample.

        Raises:
            StagingError: there is no set that does.
        """
        for sink in SINKS:
            output = self._try(self._usual(sink), self._sample())
            if SAMPLE_SHA1 in hashes(output):
                return Toolbox(sink, "certutil", "certutil")
            if self._copied():
                return self._with_script(sink)
        raise StagingError(
            found="no tool that copies standard input into a file",
            expected=f"one of {', '.join(sink.split()[0] for sink in SINKS)}",
            hint="stage by pull, or put the package on the host (present)",
        )

    def _usual(self, sink: str) -> str:
        text, made = self._at("proof.b64"), self._at("proof.bin")
        return "&".join(
            (
                f"del /f /q {made} 2>nul",
                f"{sink}>{text}",
                f"certutil -decode {text} {made}",
                f"certutil -hashfile {made} SHA1",
            )
        )

    def _with_script(self, sink: str) -> Toolbox:
        write_text(self._shell, sink, self._layout, _SCRIPT, script())
        text, made = self._at("proof.b64"), self._at("proof.bin")
        for decoder in ("certutil", "cscript"):
            tools = Toolbox(sink, decoder, "cscript")
            if decoder == "cscript":
                redo = f"del /f /q {made} 2>nul&"
                self._try(redo + tools.decode(self._layout, text, made))
            for hasher in ("certutil", "cscript"):
                tools = Toolbox(sink, decoder, hasher)
                output = self._try(tools.hash(self._layout, made))
                if SAMPLE_SHA1 in hashes(output):
                    return tools
        raise StagingError(
            found="neither certutil nor cscript decoded and hashed a small sample",
            expected=f"SHA-1 {SAMPLE_SHA1}",
            hint="check that certutil.exe or cscript.exe runs on the host",
        )

    def _copied(self) -> bool:
        output = self._try(f"type {self._at('proof.b64')}")
        return output == [line.decode().strip() for line in self._sample()]

    def _sample(self) -> list[bytes]:
        return base64_lines(SAMPLE, self._limits.line_chars)

    def _at(self, name: str) -> str:
        return in_command(self._layout.at(name))

    def _try(self, command: str, stdin: Iterable[bytes] = ()) -> list[str]:
        """Output lines; none where the command failed, which proves nothing."""
        try:
            output = self._shell.run(
                command, [b"".join(stdin)], timeout_s=self._limits.proof_timeout_s
            )
        except (WsFaultError, CommandTimeoutError):
            return []
        return [line.strip() for line in output.lines() if line.strip()]


def write_text(shell: Shell, sink: str, layout: Layout, name: str, text: str) -> None:
    """Write a small text file that nothing else is called yet, and read it back.

    It appears under its name whole or not at all.

    Raises:
        StagingError: it did not arrive as it was sent.
    """
    lines = text.splitlines()
    draft = in_command(layout.at(f"{name}.new"))
    data = "".join(f"{line}\r\n" for line in lines).encode("ascii")
    shell.run(f"{sink}>{draft}", [data])
    found = [line.rstrip() for line in shell.run(f"type {draft}").lines()]
    if found != [line.rstrip() for line in lines]:
        raise StagingError(
            found=f"{name} of {len(found)} lines that differ from what was sent",
            expected=f"the {len(lines)} lines that were sent",
            hint="the host's shell changes what it is sent; see its code page",
        )
    target = in_command(layout.at(name))
    shell.run(f"del /f /q {target} 2>nul&ren {draft} {name}")
