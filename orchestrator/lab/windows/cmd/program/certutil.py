"""certutil as Server 2003 has it: ``-encode``, ``-decode`` and ``-hashfile``.

That ``-hashfile`` is there at all on SP1, and that it knows no SHA-256, is a setting
of the computer: recalled, not sourced.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Sequence

from orchestrator.lab.windows.cmd.ports import Invocation
from orchestrator.lab.windows.cmd.program.arguments import arguments, path_of
from orchestrator.lab.windows.paths import FileError, Win32

BAD_LENGTH_OR_DATA = 0x8007000D
BAD_ALGORITHM = 0x80090008
WRONG_ARGUMENTS = 0x80070057
_LINE = 64
_TEXTS = {
    BAD_LENGTH_OR_DATA: ("WIN32: 13", "The data is invalid."),
    BAD_ALGORITHM: ("-2146893816", "Invalid algorithm specified."),
    WRONG_ARGUMENTS: ("WIN32: 87", "The parameter is incorrect."),
}
_HASHES = {"sha1": hashlib.sha1, "md5": hashlib.md5}
_PEM = re.compile(rb"-----BEGIN [^-]*-----(.*?)-----END [^-]*-----", re.DOTALL)


def run(call: Invocation) -> int:
    """Carry out one verb."""
    words = arguments(call.tail)
    switches = {word[1:].lower() for word in words if word[:1] in ("-", "/")}
    operands = [word for word in words if word[:1] not in ("-", "/")]
    verbs: dict[str, Callable[[Invocation, Sequence[str], bool], int]] = {
        "decode": _decode,
        "encode": _encode,
    }
    if call.system.certutil_hashes:
        verbs["hashfile"] = _hash_file
    verb = next((name for name in verbs if name in switches), "")
    if not verb:
        given = next(iter(sorted(switches - {"f"})), "")
        call.print(f"CertUtil: Unknown arg: -{given}\r\n")
        return _failed(call, "", WRONG_ARGUMENTS)
    try:
        return verbs[verb](call, operands, "f" in switches)
    except FileError as error:
        code = 0x80070000 | int(error.code)
        _say(call, verb, code, f"WIN32: {int(error.code)}", error.message)
        return _signed(code)


def _signed(code: int) -> int:
    return code - (1 << 32)


def _say(call: Invocation, verb: str, code: int, number: str, text: str) -> None:
    what = f"-{verb} command" if verb else "command"
    call.print(f"CertUtil: {what} FAILED: {code:#x} ({number})\r\n")
    call.print(f"CertUtil: {text}\r\n")


def _failed(call: Invocation, verb: str, code: int) -> int:
    number, text = _TEXTS[code]
    _say(call, verb, code, number, text)
    return _signed(code)


def _write(call: Invocation, name: str, content: bytes, *, force: bool) -> None:
    path = path_of(call, name)
    if call.system.files.exists(path) and not force:
        raise FileError(Win32.FILE_EXISTS, path)
    call.system.files.write(path, content)


def _decode(call: Invocation, operands: Sequence[str], force: bool) -> int:
    if len(operands) != 2:  # noqa: PLR2004 -- a source and a target
        return _failed(call, "decode", WRONG_ARGUMENTS)
    text = call.system.files.read(path_of(call, operands[0]))
    found = _PEM.search(text)
    packed = re.sub(rb"\s+", b"", found[1] if found else text)
    try:
        content = base64.b64decode(packed, validate=True)
    except binascii.Error:
        return _failed(call, "decode", BAD_LENGTH_OR_DATA)
    if not content:
        return _failed(call, "decode", BAD_LENGTH_OR_DATA)
    _write(call, operands[1], content, force=force)
    call.print(f"Input Length = {len(text)}\r\nOutput Length = {len(content)}\r\n")
    return _completed(call, "decode")


def _encode(call: Invocation, operands: Sequence[str], force: bool) -> int:
    if len(operands) != 2:  # noqa: PLR2004 -- a source and a target
        return _failed(call, "encode", WRONG_ARGUMENTS)
    content = call.system.files.read(path_of(call, operands[0]))
    packed = base64.b64encode(content).decode()
    lines = [packed[at : at + _LINE] for at in range(0, len(packed), _LINE)]
    framed = ["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""]
    text = "\r\n".join(framed).encode()
    _write(call, operands[1], text, force=force)
    call.print(f"Input Length = {len(content)}\r\nOutput Length = {len(text)}\r\n")
    return _completed(call, "encode")


def _hash_file(call: Invocation, operands: Sequence[str], force: bool) -> int:
    del force
    if not operands:
        return _failed(call, "hashfile", WRONG_ARGUMENTS)
    name, algorithm = operands[0], (*operands[1:2], "SHA1")[0]
    content = call.system.files.read(path_of(call, name))
    if algorithm.lower() not in _HASHES:
        return _failed(call, "hashfile", BAD_ALGORITHM)
    digest = _HASHES[algorithm.lower()](content, usedforsecurity=False).digest()
    call.print(f"{algorithm.upper()} hash of file {name}:\r\n{digest.hex(' ')}\r\n")
    return _completed(call, "hashfile")


def _completed(call: Invocation, verb: str) -> int:
    call.print(f"CertUtil: -{verb} command completed successfully.\r\n")
    return 0
