"""``reg`` in version 3.0, as Server 2003 has it."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.lab.windows.cmd.ports import Invocation
from orchestrator.lab.windows.cmd.program.arguments import arguments, option
from orchestrator.lab.windows.registry import RegData, RegType, RegValue

_HIVES = {
    "hkey_local_machine": "HKLM",
    "hkey_current_user": "HKCU",
    "hkey_classes_root": "HKCR",
    "hkey_users": "HKU",
    "hkey_current_config": "HKCC",
}
_LONG = {short: long.upper() for long, short in _HIVES.items()}
_NOT_FOUND = (
    "\r\nError:  The system was unable to find the specified registry key or value\r\n"
)


def reg(run: Invocation) -> int:
    """``reg query KEY [/v NAME | /ve] [/s]`` and ``reg add``, ``reg delete``."""
    words = arguments(run.tail)
    verbs = {"query": _query, "add": _add, "delete": _delete}
    verb = verbs.get(words[0].lower()) if words else None
    if verb is None or len(words) == 1:
        run.complain("\r\nError:  Invalid command-line parameters\r\n")
        return 1
    hive, _, rest = words[1].removeprefix("\\").partition("\\")
    short = _HIVES.get(hive.lower(), hive.upper())
    if short not in _LONG:
        run.complain("\r\nError:  Invalid key name\r\n")
        return 1
    return verb(run, f"{short}\\{rest}".rstrip("\\"), words[2:])


def _query(run: Invocation, key: str, words: Sequence[str]) -> int:
    values = run.system.registry.values(key)
    name = "" if "/ve" in words else option(words, "/v")
    if values is not None and name is not None:
        values = [one for one in values if one.name.lower() == name.lower()] or None
    if values is None:
        run.complain(_NOT_FOUND)
        return 1
    run.print("\r\n! REG.EXE VERSION 3.0\r\n")
    keys = run.system.registry.keys(key) or []
    if values or not keys:
        _print_key(run, key, values)
    if name is None:
        deep = "/s" in [word.lower() for word in words]
        below = run.system.registry.walk(key) if deep else (f"{key}\\{n}" for n in keys)
        for path in below:
            _print_key(run, path, run.system.registry.values(path) if deep else [])
    return 0


def _print_key(run: Invocation, key: str, values: Sequence[RegValue] | None) -> None:
    hive, _, rest = key.partition("\\")
    run.print(f"\r\n{_LONG[hive.upper()]}\\{rest}\r\n")
    for one in values or ():
        name = one.name or "<NO NAME>"
        run.print(f"    {name}\tREG_{one.kind.name}\t{_data_text(one.data)}\r\n")


def _data_text(data: RegData) -> str:
    match data:
        case int():
            return f"{data:#x}"
        case bytes():
            return data.hex().upper()
        case tuple():
            return "".join(f"{part}\\0" for part in data) + "\\0"
        case str():
            return data


def _add(run: Invocation, key: str, words: Sequence[str]) -> int:
    name, kind = option(words, "/v"), (option(words, "/t") or "REG_SZ").upper()
    text = option(words, "/d") or ""
    known = {f"REG_{one.name}": one for one in RegType}
    if kind not in known:
        run.complain("\r\nError:  Invalid value for /t\r\n")
        return 1
    try:
        data = _data(known[kind], text)
    except ValueError:
        run.complain("\r\nError:  Invalid value for /d\r\n")
        return 1
    run.system.registry.create(key)
    if name is not None or "/ve" in words:
        run.system.registry.set(key, name or "", data, known[kind])
    run.print("\r\nThe operation completed successfully\r\n")
    return 0


def _data(kind: RegType, text: str) -> RegData:
    match kind:
        case RegType.DWORD:
            return int(text or "0", 0)
        case RegType.BINARY:
            return bytes.fromhex(text)
        case RegType.MULTI_SZ:
            return tuple(part for part in text.split("\\0") if part)
        case RegType.SZ | RegType.EXPAND_SZ:
            return text


def _delete(run: Invocation, key: str, words: Sequence[str]) -> int:
    name = option(words, "/v")
    registry = run.system.registry
    done = registry.delete(key) if name is None else registry.delete_value(key, name)
    if not done:
        run.complain(_NOT_FOUND)
        return 1
    run.print("\r\nThe operation completed successfully\r\n")
    return 0
