"""Classes of the file system: files and folders by name, and their security."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.lab.machine import WmiValue
from orchestrator.lab.windows.filesystem import Attribute, Node
from orchestrator.lab.windows.host import Host
from orchestrator.lab.windows.pe import version_of
from orchestrator.lab.windows.security import FULL
from orchestrator.lab.windows.wmi.descriptors import SELF_RELATIVE, inward, outward
from orchestrator.lab.windows.wmi.model import Row, WmiClass, table
from orchestrator.lab.windows.wql import Condition, keys_of

INVALID_PARAMETER = 21


def _nodes(
    host: Host, where: Condition | None, *, folders: bool
) -> Iterator[tuple[str, Node]]:
    """Full paths and entries; by name where the query allows only some names."""
    names = keys_of(where, "Name")
    found: Iterable[tuple[str, Node | None]]
    if names is None:
        found = host.files.walk("C:\\")
    else:
        found = ((name, host.files.find(name)) for name in sorted(names))
    for path, node in found:
        if node is not None and node.is_folder is folders:
            yield path, node


def _files(host: Host, where: Condition | None) -> Iterator[Row]:
    for path, node in _nodes(host, where, folders=False):
        version = version_of(node.content)
        extension = node.name.rpartition(".")[2]
        yield {
            **_common(host, path, node),
            "FileSize": len(node.content),
            "FileType": f"{extension} File",
            "Manufacturer": version.strings.get("CompanyName") if version else None,
            "Version": version.dotted if version else None,
        }


def _folders(host: Host, where: Condition | None) -> Iterator[Row]:
    for path, node in _nodes(host, where, folders=True):
        yield {**_common(host, path, node), "FileType": "File Folder"}


def _common(host: Host, path: str, node: Node) -> Row:
    lowered = path.lower()
    folder, _, base = lowered.rpartition("\\")
    stem, dot, extension = base.rpartition(".")
    return {
        "AccessMask": FULL,
        "Archive": bool(node.attributes & Attribute.ARCHIVE),
        "Caption": lowered,
        "Compressed": False,
        "CreationClassName": "CIM_LogicalFile",
        "CreationDate": node.created,
        "CSCreationClassName": "Win32_ComputerSystem",
        "CSName": host.profile.name.upper(),
        "Description": lowered,
        "Drive": lowered[:2],
        "EightDotThreeFileName": lowered,
        "Encrypted": False,
        "Extension": extension if dot else "",
        "FileName": stem if dot else base,
        "FSCreationClassName": "Win32_FileSystem",
        "FSName": "NTFS",
        "Hidden": bool(node.attributes & Attribute.HIDDEN),
        "InstallDate": node.created,
        "LastAccessed": node.accessed,
        "LastModified": node.modified,
        "Name": lowered,
        "Path": f"{folder[2:]}\\",
        "Readable": True,
        "Status": "OK",
        "System": bool(node.attributes & Attribute.SYSTEM),
        "Writeable": not node.attributes & Attribute.READ_ONLY,
    }


def _settings(host: Host, where: Condition | None) -> Iterator[Row]:
    """By path only: a walk over every file's security would not end on a disk."""
    for name in sorted(keys_of(where, "Path") or ()):
        if host.files.exists(name):
            yield {
                "Path": name,
                "Caption": f"Security settings of {name}",
                "ControlFlags": SELF_RELATIVE,
                "Description": f"Security settings of {name}",
                "OwnerPermissions": True,
            }


def _get_descriptor(host: Host, row: Row, _: Mapping[str, WmiValue]) -> Row:
    node = host.files.node(str(row["Path"]))
    return {"ReturnValue": 0, "Descriptor": outward(host, node.security)}


def _set_descriptor(host: Host, row: Row, arguments: Mapping[str, WmiValue]) -> Row:
    node = host.files.node(str(row["Path"]))
    try:
        node.security = inward(arguments.get("descriptor"), node.security)
    except (TypeError, ValueError, KeyError):
        return {"ReturnValue": INVALID_PARAMETER}
    return {"ReturnValue": 0}


_LOGICAL_FILE = (
    "AccessMask Archive Caption Compressed CompressionMethod CreationClassName"
    " CreationDate CSCreationClassName CSName Description Drive EightDotThreeFileName"
    " Encrypted EncryptionMethod Extension FileName FileSize FileType"
    " FSCreationClassName FSName Hidden InstallDate InUseCount LastAccessed"
    " LastModified Path Readable Status System Writeable"
)

CLASSES: tuple[WmiClass, ...] = (
    table("CIM_DataFile", "Name", f"{_LOGICAL_FILE} Manufacturer Version", _files),
    table("Win32_Directory", "Name", _LOGICAL_FILE, _folders),
    table(
        *("Win32_LogicalFileSecuritySetting", "Path"),
        "Caption ControlFlags Description OwnerPermissions SettingID",
        _settings,
        methods={
            "GetSecurityDescriptor": _get_descriptor,
            "SetSecurityDescriptor": _set_descriptor,
        },
    ),
)
