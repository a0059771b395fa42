r"""StdRegProv in root\default: the registry over WMI, as on Server 2003.

It lives in root\\default alone, and has no QWORD methods. Return values are Win32
error codes: 0 done, 2 no such key or value, 5 denied, 87 a bad parameter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import cast

from orchestrator.lab.machine import WmiValue
from orchestrator.lab.windows.host import Host
from orchestrator.lab.windows.registry import RegData, RegType
from orchestrator.lab.windows.wmi.model import Method, Row, WmiClass, table
from orchestrator.lab.windows.wql import Condition

ERROR_NOT_FOUND, ERROR_DENIED, ERROR_PARAMETER = 2, 5, 87
WBEM_E_TYPE_MISMATCH_AS_CODE = 0x80041005
HKLM = 0x80000002
_HIVES = {
    0x80000000: "HKCR",
    0x80000001: "HKCU",
    HKLM: "HKLM",
    0x80000003: "HKU",
    0x80000005: "HKCC",
}
Arguments = Mapping[str, WmiValue]


def _path(arguments: Arguments) -> str | None:
    try:
        hive = _HIVES.get(int(str(arguments.get("hdefkey") or HKLM)) & 0xFFFFFFFF)
    except ValueError:
        return None
    key = arguments.get("ssubkeyname")
    return f"{hive}\\{key or ''}" if hive else None


def _refused(host: Host, path: str | None) -> int:
    if path is None:
        return ERROR_PARAMETER
    if host.registry_denied(path):
        return ERROR_DENIED
    return 0 if host.registry.exists(path) else ERROR_NOT_FOUND


def _reader(kinds: Iterable[RegType], out: str) -> Method:
    accepted = frozenset(kinds)

    def read(host: Host, _: Row, arguments: Arguments) -> Row:
        path = _path(arguments)
        code = _refused(host, path)
        if code or path is None:
            return {"ReturnValue": code, out: None}
        value = host.registry.value(path, str(arguments.get("svaluename") or ""))
        if value is None:
            return {"ReturnValue": ERROR_NOT_FOUND, out: None}
        if value.kind not in accepted:
            return {"ReturnValue": WBEM_E_TYPE_MISMATCH_AS_CODE, out: None}
        return {"ReturnValue": 0, out: _outward(value.data)}

    return read


def _outward(data: RegData) -> WmiValue:
    match data:
        case bytes():
            return list(data)
        case tuple():
            return list(data)
        case _:
            return data


def _writer(kind: RegType, name: str, convert: Callable[[WmiValue], RegData]) -> Method:
    def write(host: Host, _: Row, arguments: Arguments) -> Row:
        path = _path(arguments)
        code = _refused(host, path)
        if code or path is None:
            return {"ReturnValue": code}
        try:
            data = convert(arguments.get(name))
        except (TypeError, ValueError):
            return {"ReturnValue": ERROR_PARAMETER}
        value = str(arguments.get("svaluename") or "")
        host.registry.set(path, value, data, kind)
        return {"ReturnValue": 0}

    return write


def _items(value: WmiValue) -> list[WmiValue]:
    if value is None:
        return []
    return (
        cast("list[WmiValue]", list(value))
        if isinstance(value, list | tuple)
        else [value]
    )


def _enum_key(host: Host, _: Row, arguments: Arguments) -> Row:
    path = _path(arguments)
    code = _refused(host, path)
    names = host.registry.keys(path) if path and not code else None
    return {"ReturnValue": code, "sNames": names or None}


def _enum_values(host: Host, _: Row, arguments: Arguments) -> Row:
    path = _path(arguments)
    code = _refused(host, path)
    values = (host.registry.values(path) if path and not code else None) or []
    return {
        "ReturnValue": code,
        "sNames": [value.name for value in values] or None,
        "Types": [int(value.kind) for value in values] or None,
    }


def _create_key(host: Host, _: Row, arguments: Arguments) -> Row:
    path = _path(arguments)
    if path is None:
        return {"ReturnValue": ERROR_PARAMETER}
    if host.registry_denied(path):
        return {"ReturnValue": ERROR_DENIED}
    host.registry.create(path)
    return {"ReturnValue": 0}


def _delete_key(host: Host, _: Row, arguments: Arguments) -> Row:
    path = _path(arguments)
    code = _refused(host, path)
    if code or path is None:
        return {"ReturnValue": code}
    if host.registry.keys(path):
        return {"ReturnValue": ERROR_DENIED}
    host.registry.delete(path)
    return {"ReturnValue": 0}


def _delete_value(host: Host, _: Row, arguments: Arguments) -> Row:
    path = _path(arguments)
    code = _refused(host, path)
    if code or path is None:
        return {"ReturnValue": code}
    gone = host.registry.delete_value(path, str(arguments.get("svaluename") or ""))
    return {"ReturnValue": 0 if gone else ERROR_NOT_FOUND}


def _check_access(host: Host, _: Row, arguments: Arguments) -> Row:
    code = _refused(host, _path(arguments))
    return {"ReturnValue": code, "bGranted": code == 0}


def _no_rows(_: Host, __: Condition | None) -> Iterable[Row]:
    return ()


_METHODS: Mapping[str, Method] = {
    "GetDWORDValue": _reader([RegType.DWORD], "uValue"),
    "GetStringValue": _reader([RegType.SZ, RegType.EXPAND_SZ], "sValue"),
    "GetExpandedStringValue": _reader([RegType.EXPAND_SZ, RegType.SZ], "sValue"),
    "GetMultiStringValue": _reader([RegType.MULTI_SZ], "sValue"),
    "GetBinaryValue": _reader([RegType.BINARY], "uValue"),
    "SetDWORDValue": _writer(RegType.DWORD, "uvalue", lambda v: int(str(v))),
    "SetStringValue": _writer(RegType.SZ, "svalue", lambda v: str(v or "")),
    "SetExpandedStringValue": _writer(
        RegType.EXPAND_SZ, "svalue", lambda v: str(v or "")
    ),
    "SetMultiStringValue": _writer(
        RegType.MULTI_SZ, "svalue", lambda v: tuple(str(item) for item in _items(v))
    ),
    "SetBinaryValue": _writer(
        RegType.BINARY, "uvalue", lambda v: bytes(int(str(item)) for item in _items(v))
    ),
    "EnumKey": _enum_key,
    "EnumValues": _enum_values,
    "CreateKey": _create_key,
    "DeleteKey": _delete_key,
    "DeleteValue": _delete_value,
    "CheckAccess": _check_access,
}

CLASSES: tuple[WmiClass, ...] = (
    table(
        *("StdRegProv", "", "", _no_rows),
        methods=_METHODS,
        static=" ".join(_METHODS),
        namespace="root\\default",
    ),
)
