"""Hooks as playbooks, run by ansible-runner through its Python API.

Only its status is believed, and only together with the playbook's own last event:
the return code is also empty after success. Its check for lost events is not used,
because it takes any line outside an event for one and abandons the child; events are
counted here instead.
"""

from __future__ import annotations

import shlex
import shutil
import stat
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_runner.exceptions import AnsibleRunnerException
from ansible_runner.interface import init_runner
from ansible_runner.runner import Runner

from orchestrator.adapters.ansible.environment import child_environment, search_path
from orchestrator.adapters.ansible.events import EventLog
from orchestrator.adapters.ansible.variables import variables_of
from orchestrator.adapters.ansible.workspace import KEPT_FOLDERS, Workspace, prune
from orchestrator.application.ports.hooks import (
    Hook,
    HookCall,
    HookOutcome,
    HookResult,
)
from orchestrator.domain.server import Inventory

#: Seconds that a hook may take unless the site says otherwise.
HOOK_SECONDS = 600
#: The site's variables, beside its own playbooks.
SITE_VARIABLES = "hooks.yml"

_PROGRAM = "ansible-playbook"
#: Seconds between two looks of ansible-runner at its time limit.
_LOOK_SECONDS = 1
#: Seconds past its limit at which a hook without an end was left by a killed program.
_ABANDONED_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class AnsibleHooks:
    """Runs a site's playbooks, or the shipped ones that it switched on.

    A playbook in the site's folder runs because it is there, and stands in for the
    shipped one of its name; a shipped one runs only if it is in ``shipped_on``.
    """

    #: The playbooks that come with the program.
    shipped: Path
    #: Where artifacts are kept, in private folders.
    state: Path
    #: How Ansible is shown an inventory, in the form of a ``--list`` script.
    view: Callable[[Inventory], Mapping[str, Any]]
    #: Our environment; a playbook gets the allowed part of it.
    environment: Mapping[str, str]
    site: Path | None = None
    shipped_on: frozenset[Hook] = frozenset()
    limit_seconds: int = HOOK_SECONDS
    kept_folders: int = KEPT_FOLDERS

    def offers(self, hook: Hook) -> bool:
        """Whether the site has this playbook or switched the shipped one on."""
        return hook in self.shipped_on or self._own(hook) is not None

    def run(self, call: HookCall) -> HookResult:
        """Run a hook's playbook with the wave as inventory and variables."""
        playbook = self._own(call.hook) or self.shipped / f"{call.hook}.yml"
        if not playbook.is_file():
            return _missing(f"found no playbook {playbook}; install the program again")
        if _writable_by_all(playbook) or _writable_by_all(playbook.parent):
            return HookResult(
                HookOutcome.FAILED,
                f"everybody may write {playbook} or its folder; chmod o-w both",
            )
        if shutil.which(_PROGRAM, path=search_path(self.environment)) is None:
            return _missing(f"found no {_PROGRAM}; install orchestrator[hooks]")
        try:
            return self._run_in(self._workspace(call), playbook)
        except (OSError, AnsibleRunnerException) as error:
            return HookResult(HookOutcome.FAILED, f"could not run it: {error}")

    def _own(self, hook: Hook) -> Path | None:
        own = self.site / f"{hook}.yml" if self.site else None
        return own if own and own.is_file() else None

    def _workspace(self, call: HookCall) -> Workspace:
        abandoned = self.limit_seconds + _ABANDONED_SECONDS
        prune(self.state, keep=self.kept_folders, abandoned_s=abandoned)
        # The folder's name tells the run; the rest makes it the only one.
        ident = f"{call.run}-{call.hook}-{uuid.uuid4().hex[:8]}"
        place = Workspace(self.state, ident)
        variables = variables_of(call, playbooks=self.shipped, scratch=place.scratch)
        place.fill(self.view(call.estate), variables)
        return place

    def _run_in(self, place: Workspace, playbook: Path) -> HookResult:
        log = EventLog()
        try:
            runner = self._prepare(place, playbook, log)
            status, _ = runner.run()
        except BaseException:
            # Also at Ctrl-C nothing of it may go on behind our back.
            place.end_processes()
            raise
        finally:
            place.close()
        if status == "timeout":
            place.end_processes()
        return self._result(status, log)

    def _prepare(self, place: Workspace, playbook: Path, log: EventLog) -> Runner:
        runner = init_runner(
            private_data_dir=str(place.folder),
            project_dir=str(self.site or self.shipped),
            playbook=str(playbook),
            inventory=str(place.inventory),
            cmdline=self._site_variables(),
            fact_cache_type="memory",
            settings={"pexpect_timeout": _LOOK_SECONDS},
            timeout=self.limit_seconds,
            quiet=True,
            event_handler=log.take,
            # Without one it would take over the signals of this process.
            cancel_callback=lambda: False,
        )
        runner.config.env = child_environment(
            self.environment, runner.config.env, str(place.scratch)
        )
        return runner

    def _site_variables(self) -> str | None:
        """The option that loads the site's variables; ours, given later, win."""
        variables = self.site / SITE_VARIABLES if self.site else None
        if variables is None or not variables.is_file():
            return None
        return shlex.join(("--extra-vars", f"@{variables}"))

    def _result(self, status: str, log: EventLog) -> HookResult:
        if status == "timeout":
            limit = f"not done within {self.limit_seconds} s"
            return _ended(HookOutcome.TIMED_OUT, limit, log)
        if status == "successful" and log.complete and not log.lost:
            return _ended(HookOutcome.SUCCEEDED, "", log)
        if log.failure is not None:
            return _ended(HookOutcome.FAILED, log.failure.message, log)
        return _ended(HookOutcome.FAILED, _without_failure(status, log), log)


def _without_failure(status: str, log: EventLog) -> str:
    if log.lost:
        return f"{log.lost} events were lost; whether it succeeded is not known"
    said = " ".join(line for line in log.lines if line)
    return f"Ansible ended {status} before the playbook did: {said}"


def _ended(outcome: HookOutcome, message: str, log: EventLog) -> HookResult:
    failure = log.failure if outcome is not HookOutcome.SUCCEEDED else None
    return HookResult(
        outcome=outcome,
        message=message,
        task=failure.task if failure else "",
        host=failure.host if failure else "",
        events=tuple(log.kept),
        omitted=log.omitted,
    )


def _writable_by_all(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IWOTH)


def _missing(message: str) -> HookResult:
    return HookResult(HookOutcome.MISSING, message)
