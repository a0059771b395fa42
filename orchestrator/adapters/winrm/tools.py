"""Programs of the host that staging leans on, each proven on a small sample first.

Server 2003 has certutil, but whether its certutil hashes is not certain, and another
interpreter's may do nothing and say that it did. So nothing is believed but a hash
of the sample that the host worked out itself.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Sequence
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

#: Each copies text lines from standard input to standard output. Not every way to
#: start an interpreter keeps quotes, so the one without comes first.
SINKS = ("findstr .", 'findstr "^"', "more", 'find /v ""')
#: What works out a SHA-1.
HASHERS = ("certutil", "cscript")
#: No program at all, but one command for a few lines: the last resort.
ECHO = "echo"
#: All byte values, and more than one line of base64.
SAMPLE = bytes(range(256)) * 5
SAMPLE_SHA1 = hashlib.sha1(SAMPLE, usedforsecurity=False).hexdigest()
_SHA1 = re.compile(r"[0-9a-f]{40}")
_SCRIPT = "tool.vbs"
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
#: Decodes base64 with no character that an interpreter acts upon, so that echo can
#: write it: what it needs of those comes as arguments.
_BOOT = """\
Set o=CreateObject(WScript.Arguments(0))
t=o.OpenTextFile(WScript.Arguments(2)).ReadAll
Set f=o.CreateTextFile(WScript.Arguments(3))
p=Array(1,0,4,0,16)
b=0
n=0
For i=1 To Len(t)
c=InStr(1,WScript.Arguments(1),Mid(t,i,1),0)
If c Then
b=b*64+c-1
n=n+6
If n\\8 Then
n=n-8
f.Write Chr(b\\p(n))
b=b Mod p(n)
End If
End If
Next
f.Close
"""


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
def script() -> bytes:
    """The helper script, with the line ends of Windows."""
    folder = resources("orchestrator.adapters.winrm")
    text = folder.joinpath(_SCRIPT).read_text("ascii")
    return text.replace("\n", "\r\n").encode("ascii")


def put(shell: Shell, sink: str, path: str, pieces: Sequence[bytes]) -> None:
    """Write lines of base64 into a file.

    With ``echo`` the redirection stands first: a digit before it would be a handle.
    """
    if sink != ECHO:
        shell.run(f"{sink}>{path}", pieces)
        return
    arrow = ">"
    for piece in pieces:
        commands = []
        for line in piece.decode("ascii").split():
            commands.append(f"{arrow}{path} echo {line}")
            arrow = ">>"
        shell.run("&".join(commands))


def lines_per_piece(sink: str, limits: WinRmLimits, payload_bytes: int) -> int:
    """How many lines one request carries, or one command line of ``echo``."""
    if sink != ECHO:
        return max(1, payload_bytes // (limits.line_chars + 2))
    return max(1, limits.command_line_chars // (limits.line_chars + _ECHO_CHARS) - 1)


#: What stands round a line: redirection, path, the word, and the joint.
_ECHO_CHARS = 200


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
        sample = base64_lines(SAMPLE, self._limits.line_chars)
        expected = [line.decode("ascii").strip() for line in sample]
        for sink in (*SINKS, ECHO):
            output = self._try(sink, b"".join(sample))
            if SAMPLE_SHA1 in hashes(output):
                return Toolbox(sink, "certutil", "certutil")
            if output[: len(expected)] == expected:
                return self._with_script(sink)
        raise StagingError(
            found="no way to write a file through the shell",
            expected="findstr, more, find or echo, to write what they are given",
            hint="see the rights and the space in the Windows folder",
        )

    def _try(self, sink: str, sample: bytes) -> list[str]:
        """Write the sample, show it, decode it and hash it, in as few as can be."""
        text, made = self._at("proof.b64"), self._at("proof.bin")
        then = "&".join(
            (
                f"type {text}",
                f"del /f /q {made} 2>nul",
                f"certutil -decode {text} {made}",
                hash_command("certutil", "", made),
            )
        )
        if sink == ECHO:
            put(self._shell, sink, text, [sample])
            return self._run(then)
        return self._run(f"{sink}>{text}&{then}", sample)

    def _with_script(self, sink: str) -> Toolbox:
        text, made = self._at("proof.b64"), self._at("proof.bin")
        bring_script(self._shell, sink, self._layout, self._limits)
        for decoder in ("certutil", "cscript"):
            tools = Toolbox(sink, decoder, "cscript")
            decode = tools.decode(self._layout, text, made)
            self._run(f"del /f /q {made} 2>nul&{decode}")
            for hasher in ("certutil", "cscript"):
                tools = Toolbox(sink, decoder, hasher)
                if SAMPLE_SHA1 in hashes(self._run(tools.hash(self._layout, made))):
                    return tools
        raise StagingError(
            found="neither certutil nor cscript decoded and hashed a small sample",
            expected=f"SHA-1 {SAMPLE_SHA1}",
            hint="check that certutil.exe or cscript.exe runs on the host",
        )

    def _at(self, name: str) -> str:
        return in_command(self._layout.at(name))

    def _run(self, command: str, stdin: bytes = b"") -> list[str]:
        """Output lines; none where the command failed, which proves nothing."""
        timeout = self._limits.proof_timeout_s
        try:
            output = self._shell.run(command, [stdin], timeout_s=timeout)
        except (WsFaultError, CommandTimeoutError):
            return []
        return [line.strip() for line in output.lines() if line.strip()]


def bring_script(shell: Shell, sink: str, layout: Layout, limits: WinRmLimits) -> None:
    """Bring the helper script in; whether it works shows when it is used."""
    boot, text = in_command(layout.at("boot.vbs")), in_command(layout.at("tool.b64"))
    arrows = [">", *[">>"] * len(_BOOT)]
    lines = zip(arrows, _BOOT.splitlines(), strict=False)
    shell.run("&".join(f"{arrow}{boot} echo {line}" for arrow, line in lines))
    encoded = base64_lines(script(), limits.line_chars)
    each = lines_per_piece(sink, limits, limits.envelope_bytes // 2)
    put(shell, sink, text, grouped(encoded, each))
    target = in_command(layout.at(_SCRIPT))
    progid = "Scripting.FileSystemObject"
    shell.run(f"cscript //nologo {boot} {progid} {_LETTERS} {text} {target}")


def grouped(lines: Sequence[bytes], each: int) -> list[bytes]:
    """Whole lines, so many in each piece."""
    return [b"".join(lines[at : at + each]) for at in range(0, len(lines), each)]


def write_text(
    shell: Shell, tools: Toolbox, layout: Layout, name: str, text: str, *, width: int
) -> None:
    """Write a small text file; it appears under its name whole or not at all.

    Raises:
        StagingError: it did not arrive as it was sent.
    """
    data = text.replace("\n", "\r\n").encode("ascii")
    encoded = in_command(layout.at(f"{name}.b64"))
    draft = in_command(layout.at(f"{name}.new"))
    put(shell, tools.sink, encoded, grouped(base64_lines(data, width), 1))
    decode = tools.decode(layout, encoded, draft)
    lines = shell.run(
        f"del /f /q {draft} 2>nul&{decode}&{tools.hash(layout, draft)}"
    ).lines()
    expected = hashlib.sha1(data, usedforsecurity=False).hexdigest()
    if expected not in hashes(lines):
        raise StagingError(
            found=f"{name} hashes to {', '.join(hashes(lines)) or 'nothing'}",
            expected=f"SHA-1 {expected}",
            hint="the host's shell changes what it is sent; see its code page",
        )
    shell.run(f"ren {draft} {name}")
