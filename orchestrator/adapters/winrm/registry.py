"""The registry through StdRegProv: there, absent, or not readable.

ReturnValue 2 is ERROR_FILE_NOT_FOUND: the key or the value is not there. Any other
number but 0 means that the host would not tell, which is not the same.
"""

from __future__ import annotations

from orchestrator.adapters.winrm.faults import MalformedError, UnreadableError
from orchestrator.adapters.winrm.values import Row, whole_number
from orchestrator.adapters.winrm.wsman import WsMan

LOCAL_MACHINE = 2147483650
_FOUND, _ABSENT = 0, 2
#: The other HRESULT spellings of "not found" that a provider may give (WBEM_E_NOT_FOUND
#: and FILE_NOT_FOUND as HRESULT).
_ABSENT_TOO = (2147749890, 2147942402)


class Registry:
    """HKEY_LOCAL_MACHINE, read only."""

    def __init__(self, wsman: WsMan) -> None:
        """Read through WMI."""
        self._wsman = wsman

    def dword(self, key: str, name: str) -> int | None:
        """A number; ``None`` where it is absent.

        Raises:
            UnreadableError: it is there, perhaps, and cannot be read.
        """
        found = self._read("GetDWORDValue", key, name)
        if found is None:
            return None
        value = found.text("uValue")
        if not value:
            raise UnreadableError(f"{name} came without a value")
        return whole_number(value, name)

    def text(self, key: str, name: str) -> str | None:
        """A text, expanded or not; ``None`` where it is absent."""
        found = self._read("GetStringValue", key, name)
        return (found.text("sValue") or "") if found is not None else None

    def texts(self, key: str, name: str) -> tuple[str, ...] | None:
        """Several texts; ``None`` where the value is absent."""
        found = self._read("GetMultiStringValue", key, name)
        return found.texts("sValue") if found is not None else None

    def subkeys(self, key: str) -> tuple[str, ...] | None:
        """The names of the keys below a key; ``None`` where it is absent."""
        found = self._read("EnumKey", key)
        return found.texts("sNames") if found is not None else None

    def _read(self, method: str, key: str, name: str | None = None) -> Row | None:
        arguments: list[tuple[str, str | int]] = [
            ("hDefKey", LOCAL_MACHINE),
            ("sSubKeyName", key),
        ]
        if name is not None:
            arguments.append(("sValueName", name))
        answer = self._wsman.invoke(
            "StdRegProv", method, arguments, namespace="root/default", repeatable=True
        )
        code = answer.number("ReturnValue")
        if code is None:
            raise MalformedError(f"{method} answered without a ReturnValue")
        if code == _ABSENT or code & 0xFFFFFFFF in _ABSENT_TOO:
            return None
        if code != _FOUND:
            raise UnreadableError(f"{method} of {key} answered {code}")
        return answer
