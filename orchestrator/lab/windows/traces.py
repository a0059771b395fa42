"""What an installation leaves behind: files, backups, renames, registry keys."""

from __future__ import annotations

from datetime import datetime

from orchestrator.lab.windows.host import HOTFIX_KEY, SESSION_MANAGER, UPDATES_KEY, Host
from orchestrator.lab.windows.package import Package
from orchestrator.lab.windows.pe import FileVersion, make_image, version_of

WINDOWS = "C:\\WINDOWS"
UNINSTALL_KEY = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Uninstall"
PENDING = "PendingFileRenameOperations"
SPUNINST_NAME = "LAB-spuninst"
BACKUP_LIST = "spuninst.txt"


def uninstall_folder(article: str) -> str:
    """Where the old files are kept."""
    return f"{WINDOWS}\\$NtUninstall{article}$"


def updates_key(package: Package) -> str:
    """The Updates key; its number is that of the next service pack."""
    return f"{UPDATES_KEY}\\SP{package.service_pack + 1}\\{package.article}"


def spuninst() -> bytes:
    """The program that takes an update back; known by its content, not its name."""
    strings = {
        "CompanyName": "Lab",
        "FileDescription": "LAB-uninstaller; not a Microsoft program",
        "FileVersion": "6.1.22.4",
        "InternalName": SPUNINST_NAME,
        "OriginalFilename": "spuninst.exe",
        "ProductName": "Lab",
    }
    return make_image(FileVersion((6, 1, 22, 4), strings))


def back_up(host: Host, package: Package, targets: list[str]) -> None:
    """Keep the files that are about to be replaced, and the way back."""
    folder = uninstall_folder(package.article)
    kept = []
    for number, target in enumerate(targets):
        content = host.read(target)
        if content is not None:
            base = target.rpartition("\\")[2]
            copy = f"{folder}\\{f'{number}_' if number else ''}{base}"
            host.files.put(copy, content, modified=host.files.node(target).modified)
            kept.append(f"{copy}|{target}")
    host.files.put(f"{folder}\\spuninst\\spuninst.exe", spuninst())
    lines = [package.article, str(package.service_pack), *kept]
    host.files.put(f"{folder}\\spuninst\\{BACKUP_LIST}", "\r\n".join(lines).encode())


def park(host: Host, package: Package, name: str) -> None:
    """Put the hotfix-branch copy where later packages look for it."""
    branch = f"SP{package.service_pack}QFE"
    path = f"{WINDOWS}\\$hf_mig$\\{package.article}\\{branch}\\{name}"
    host.files.put(path, package.files[name], modified=package.built)


def replace_in_use(host: Host, target: str, content: bytes, built: datetime) -> None:
    """Rename the old file away, to be deleted at the next boot; put the new one."""
    if host.read(target) is not None:
        displaced = _spare_name(host, target)
        host.files.rename(target, displaced)
        add_pending(host, displaced, "")
    host.files.put(target, content, modified=built)


def _spare_name(host: Host, target: str) -> str:
    folder = target.rpartition("\\")[0]
    number = 1
    while host.read(f"{folder}\\SET{number:X}.tmp") is not None:
        number += 1
    return f"{folder}\\SET{number:X}.tmp"


def replace_at_boot(host: Host, target: str, content: bytes, built: datetime) -> None:
    """Leave the new file beside the old one, to be renamed over it at boot."""
    waiting = _spare_name(host, target)
    host.files.put(waiting, content, modified=built)
    add_pending(host, waiting, f"!{host.native(target)}")


def add_pending(host: Host, source: str, target: str) -> None:
    """Add a pair to the pending renames; an empty target deletes the source."""
    found = host.registry.data(SESSION_MANAGER, PENDING)
    pairs = found if isinstance(found, tuple) else ()
    pairs = (*pairs, host.native(source), target)
    host.registry.set(SESSION_MANAGER, PENDING, pairs)


def record(
    host: Host, package: Package, targets: list[str], *, backed_up: bool
) -> None:
    """Write the registry traces of an installed update."""
    article, next_pack = package.article, package.service_pack + 1
    today = host.agenda.local().strftime("%m/%d/%Y")
    title = f"Hotfix for Windows Server 2003 ({article})"
    updates = updates_key(package)
    host.registry.fill(
        updates,
        {
            "Description": title,
            "InstalledBy": "Lab",
            "InstalledDate": today,
            "Type": "Hotfix",
        },
    )
    hotfix = f"{HOTFIX_KEY}\\{article}"
    host.registry.fill(
        hotfix,
        {
            "Installed": 1,
            "Valid": 1,
            "Service Pack": next_pack,
            "Comments": title,
            "Fix Description": title,
            "Installed By": "Lab",
            "Installed On": today,
            "Backup Dir": uninstall_folder(article) if backed_up else "",
        },
    )
    for number, target in enumerate(targets):
        folder, _, base = target.rpartition("\\")
        version = version_of(host.read(target) or b"")
        dotted = version.dotted if version else ""
        host.registry.fill(
            f"{updates}\\Filelist\\{number}",
            {"FileName": base, "Location": folder, "Version": dotted},
        )
        host.registry.fill(
            f"{hotfix}\\File {number + 1}",
            {"Flags": 0, "New File": base, "New Link Date": "", "Old Link Date": ""},
        )
    _record_uninstall(host, package, title, backed_up=backed_up)


def _record_uninstall(
    host: Host, package: Package, title: str, *, backed_up: bool
) -> None:
    values = {
        "DisplayName": title,
        "ParentKeyName": "OperatingSystem",
        "ParentDisplayName": "Windows Server 2003 - Software Updates",
        "ReleaseType": "Hotfix",
        "RegistryLocation": updates_key(package).replace(
            "HKLM", "HKEY_LOCAL_MACHINE", 1
        ),
    }
    if backed_up:
        folder = uninstall_folder(package.article)
        values["UninstallString"] = f"{folder}\\spuninst\\spuninst.exe"
    host.registry.fill(f"{UNINSTALL_KEY}\\{package.article}", values)


def take_back(host: Host, folder: str) -> bool:
    """Put the files kept in an uninstall folder back and remove the traces."""
    listed = host.read(f"{folder}\\spuninst\\{BACKUP_LIST}")
    if listed is None:
        return False
    article, pack, *kept = listed.decode().split("\r\n")
    for line in kept:
        copy, _, target = line.partition("|")
        node = host.files.find(copy)
        if node is not None:
            replace_in_use(host, target, node.content, node.modified)
    host.registry.delete(f"{UPDATES_KEY}\\SP{int(pack) + 1}\\{article}")
    host.registry.delete(f"{HOTFIX_KEY}\\{article}")
    host.registry.delete(f"{UNINSTALL_KEY}\\{article}")
    host.delete(folder)
    return True
