"""The private folder of one hook: inventory and variables in, artifacts out.

Each hook has a folder of its own, since ansible-runner reads back what it finds in
one: shared, a hook would get an earlier one's variables, or another thread's hosts.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

#: Folders of ended hooks that are kept, the newest.
KEPT_FOLDERS = 50
#: Passes over the processes, in case one forks while we look.
_KILL_PASSES = 5

_PRIVATE = 0o700
_DONE = "done"


class _Plain(str):
    """Text that Ansible must never take for a template."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes such text with Ansible's ``!unsafe`` tag."""


_Dumper.add_representer(
    _Plain, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text))
)


def plain(value: Any) -> Any:
    """The same value with every text marked: names and reasons are data.

    A reason may quote what a host said; as a template it could run a program here.
    """
    if isinstance(value, str):
        return _Plain(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


def as_inventory(listed: Mapping[str, Any]) -> dict[str, Any]:
    """What a ``--list`` script prints, as an inventory file has it."""
    groups: dict[str, Any] = {
        name: {"hosts": {host: {} for host in group["hosts"]}}
        for name, group in listed.items()
        if name not in ("_meta", "all")
    }
    hosts = plain(listed["_meta"]["hostvars"])
    return {"all": {"hosts": hosts, "children": groups}}


class Workspace:
    """One hook's folder under the state folder, mode 0700."""

    def __init__(self, state: Path, ident: str) -> None:
        """Make the folder."""
        self.folder = state / ident
        state.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
        state.chmod(_PRIVATE)
        for folder in (self.folder, self.inventory, self._variables, self.scratch):
            folder.mkdir(mode=_PRIVATE)

    @property
    def inventory(self) -> Path:
        """Where the hosts are written."""
        return self.folder / "inventory"

    @property
    def scratch(self) -> Path:
        """Where Ansible unpacks modules; removed with the hook's end."""
        return self.folder / "tmp"

    @property
    def _variables(self) -> Path:
        return self.folder / "env"

    def fill(self, hosts: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        """Write what the hook is told; never on a command line."""
        _write(self.inventory / "hosts.yml", as_inventory(hosts))
        _write(self._variables / "extravars", plain(variables))

    def close(self) -> None:
        """Remove what was unpacked; from now on the folder may be pruned."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        (self.folder / _DONE).touch(mode=0o600)

    def end_processes(self) -> None:
        """Kill what a hook past its limit left behind.

        ansible-runner kills one process group, and Ansible's workers have their own.
        Each of them inherited the name of this folder in its environment.
        """
        mark = f"AWX_ISOLATED_DATA_DIR={self.folder}{os.sep}".encode()
        for _ in range(_KILL_PASSES):
            if not _kill_marked(mark):
                return


def _write(path: Path, value: Any) -> None:
    path.touch(mode=0o600)
    path.write_text(yaml.dump(value, Dumper=_Dumper), encoding="utf-8")


def _kill_marked(mark: bytes) -> bool:
    found = False
    for environment in Path("/proc").glob("[0-9]*/environ"):
        # A process may end while we look, or be another account's.
        with contextlib.suppress(OSError):
            variables = environment.read_bytes().split(b"\0")
            if any(variable.startswith(mark) for variable in variables):
                os.kill(int(environment.parent.name), signal.SIGKILL)
                found = True
    return found


def prune(state: Path, *, keep: int, abandoned_s: float) -> None:
    """Remove the oldest folders of ended hooks, and what a killed program left.

    A folder without its mark is a running hook's until it is older than any can be.
    """
    done, now = [], time.time()
    for folder in state.glob("*/"):
        mark = folder / _DONE
        # Another process may be pruning too.
        with contextlib.suppress(FileNotFoundError):
            if mark.exists():
                done.append((mark.stat().st_mtime_ns, folder))
            elif now - folder.stat().st_mtime > abandoned_s:
                shutil.rmtree(folder, ignore_errors=True)
    done.sort()
    for _, folder in done[: max(0, len(done) - keep)]:
        shutil.rmtree(folder, ignore_errors=True)
