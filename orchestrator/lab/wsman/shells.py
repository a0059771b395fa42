"""The remote shells of a computer, with the quotas of its WinRM version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from orchestrator.lab.machine import Command, CommandOutput, Shell
from orchestrator.lab.wsman import soap_faults as faults
from orchestrator.lab.wsman.answers import new_id
from orchestrator.lab.wsman.personality import Personality
from orchestrator.lab.wsman.soap_faults import SoapFault

EXIT_KILLED = 1
"""Exit code of a command that the service ended at MaxShellRunTime."""

_PER_USER = (
    "The Windows Remote Shell cannot open another shell for this user: the maximum "
    "number of concurrent shells is open already. Retry later."
)
_USERS = (
    "The Windows Remote Shell cannot serve another user: the maximum number of "
    "concurrent users is reached. Retry later."
)


@dataclass(slots=True)
class RunningCommand:
    """A command, with the output that no Receive has taken yet."""

    command: Command
    deadline: float | None
    stdout: bytes = b""
    stderr: bytes = b""
    ended: CommandOutput | None = None

    def read(self, now: float, limit: int) -> CommandOutput:
        """Take at most ``limit`` octets; ends the command at its deadline (<30>)."""
        if self.ended is None:
            self._collect(self.command.read())
        if self.ended is None and self.deadline is not None and now >= self.deadline:
            self.command.terminate()
            self.ended = CommandOutput(done=True, exit_code=EXIT_KILLED)
        out, self.stdout = self.stdout[:limit], self.stdout[limit:]
        room = limit - len(out)
        err, self.stderr = self.stderr[:room], self.stderr[room:]
        if self.ended is None or self.stdout or self.stderr:
            return CommandOutput(out, err)
        return CommandOutput(out, err, done=True, exit_code=self.ended.exit_code)

    def _collect(self, found: CommandOutput) -> None:
        self.stdout += found.stdout
        self.stderr += found.stderr
        self.ended = found if found.done else None


@dataclass(slots=True)
class OpenShell:
    """A shell that a client opened."""

    shell: Shell
    user: str
    streams: tuple[str, str]
    idle_s: float
    last_used: float
    expires: float | None
    idle_counts: bool
    commands: dict[str, RunningCommand] = field(default_factory=dict)

    def over(self, now: float) -> bool:
        """Whether the shell's time is up."""
        if self.expires is not None and now >= self.expires:
            return True
        return self.idle_counts and now - self.last_used >= self.idle_s

    def close(self) -> None:
        """End everything that runs in it."""
        for each in self.commands.values():
            each.command.terminate()
        self.commands.clear()
        self.shell.close()


class Shells:
    """All open shells of one computer, whichever endpoint opened them."""

    def __init__(self, personality: Personality, clock: Callable[[], float]) -> None:
        """Start empty; ``clock`` gives monotonic seconds."""
        self._personality = personality
        self._clock = clock
        self._open: dict[str, OpenShell] = {}

    def check_quota(self, user: str, others: int) -> None:
        """Refuse one shell too many.

        Args:
            user: Who asks.
            others: Shells of the same account that someone else holds.

        Raises:
            SoapFault: a quota is full (MS-WSMV 3.1.4.5.2.1).
        """
        self._expire()
        users = {each.user for each in self._open.values()}
        mine = others + sum(each.user == user for each in self._open.values())
        if mine >= self._personality.max_shells_per_user:
            raise SoapFault(faults.QUOTA_LIMIT, _PER_USER)
        if len(users | {user}) > self._personality.max_shell_users:
            raise SoapFault(faults.QUOTA_LIMIT, _USERS)

    def add(  # noqa: D417 - the rest is named by the fields of OpenShell
        self,
        shell: Shell,
        user: str,
        *,
        streams: tuple[str, str],
        idle_s: float | None,
        lifetime_s: float | None,
    ) -> str:
        """Keep a shell that was opened and name it.

        Args:
            idle_s: What the client asked; at most the service's own limit.
            lifetime_s: What the client asked, or ``None`` for no end.
        """
        limits, now = self._personality, self._clock()
        bare = new_id()
        self._open[bare] = OpenShell(
            shell=shell,
            user=user,
            streams=streams,
            idle_s=min(idle_s or limits.shell_idle_s, limits.shell_idle_s),
            last_used=now,
            expires=None if lifetime_s is None else now + lifetime_s,
            idle_counts=not limits.shell_idle_needs_keepalive,
        )
        return f"uuid:{bare}" if limits.first_shapes else bare

    def find(self, shell_id: str, user: str) -> OpenShell:
        """A user's own shell, by the id the client was given, in any case.

        Raises:
            SoapFault: there is none.
        """
        self._expire()
        found = self._open.get(_bare(shell_id))
        if found is None or found.user != user:
            raise SoapFault(faults.SHELL_NOT_FOUND)
        found.last_used = self._clock()
        return found

    def start(
        self, held: OpenShell, command: str, arguments: Sequence[str], *, skip: bool
    ) -> str:
        """Run a command and name it.

        Raises:
            SoapFault: another one still waits for its Terminate (<116>).
        """
        if self._personality.one_command_per_shell and held.commands:
            raise SoapFault(
                faults.CONCURRENCY,
                "The shell runs one command at a time. Terminate the last one first.",
            )
        longest = self._personality.max_shell_run_s
        running = held.shell.run(command, arguments, skip_cmd_shell=skip)
        command_id = new_id()
        held.commands[command_id] = RunningCommand(
            running, None if longest is None else self._clock() + longest
        )
        return command_id

    def delete(self, shell_id: str, user: str) -> None:
        """Close a shell.

        Raises:
            SoapFault: there is none.
        """
        self.find(shell_id, user).close()
        del self._open[_bare(shell_id)]

    def close_all(self) -> None:
        """Close every shell: the service stops."""
        for each in self._open.values():
            each.close()
        self._open.clear()

    def _expire(self) -> None:
        now = self._clock()
        for key in [key for key, each in self._open.items() if each.over(now)]:
            self._open.pop(key).close()


def running(held: OpenShell, command_id: str) -> RunningCommand:
    """A command of a shell, by its id in any case.

    Raises:
        SoapFault: the shell has none of that id.
    """
    found = held.commands.get(command_id.upper())
    if found is None:
        raise SoapFault(
            faults.INVALID_SELECTORS, "The shell has no command of that id."
        )
    return found


def _bare(shell_id: str) -> str:
    return shell_id.upper().removeprefix("UUID:")
