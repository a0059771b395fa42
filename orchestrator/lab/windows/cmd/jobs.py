"""Processes as routines: generators that are stepped when what they await happens.

No threads: a computer whose commands all wait costs nothing. A routine yields an
:class:`Outcome` to wait for it, or another routine to run that first; both give
back a number.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping

from orchestrator.lab.windows.cmd.ports import Program, System
from orchestrator.lab.windows.cmd.streams import Outcome, Routine, done
from orchestrator.lab.windows.paths import FileError, Win32

KILLED = 1
"""The exit code of a process that was ended from outside."""

MAX_PROCESSES = 64
"""Processes at a time of one shell or detached program, with all they started."""

BREATH_COMMANDS, BREATH_SECONDS = 500, 0.5
"""After so many commands simulated time must pass, so that no script runs for ever."""


class Leave(Exception):  # noqa: N818 -- a way out, not an error
    """A routine gives up, and those that called it, up to whoever catches this."""

    def __init__(self, code: int) -> None:
        """``code`` is the process's exit code when nobody catches it."""
        super().__init__(code)
        self.code = code


class Job:
    """A process: a routine, and those that it has called."""

    def __init__(
        self, executor: Executor, pid: int, group: int, routine: Routine
    ) -> None:
        """Made by :meth:`Executor.start`; ``group`` is killed as one."""
        self._executor = executor
        self.pid, self.group = pid, group
        self.outcome = Outcome()
        self._stack = [routine]
        self._stepping = False
        self._doom: int | None = None

    def step(self, value: int | None = None) -> None:
        """Go on until the routine waits or ends."""
        if self.outcome.value is not None:
            return
        self._stepping, error = True, None
        while self._stack and self._doom is None:
            try:
                awaited = _resume(self._stack[-1], value, error)
            except StopIteration as end:
                self._stack.pop()
                value, error = end.value, None
            except Leave as leaving:
                self._stack.pop()
                value, error = leaving.code, leaving
            else:
                value = error = None
                if not isinstance(awaited, Outcome):
                    self._stack.append(awaited)
                elif awaited.value is None:
                    self._stepping = False
                    self._go_on_after(awaited)
                    return
                else:
                    value = awaited.value
        self._stepping = False
        self._finish(value or 0 if self._doom is None else self._doom)

    def _go_on_after(self, awaited: Outcome) -> None:
        awaited.then(lambda: self._executor.post(lambda: self.step(awaited.value)))

    def _finish(self, code: int) -> None:
        while self._stack:
            self._stack.pop().close()
        self._executor.forget(self)
        self.outcome.set(code)

    def kill(self, code: int = KILLED) -> None:
        """End it from outside, now; one that is being stepped ends at its wait."""
        if self.outcome.value is None and self._doom is None:
            self._doom = code
            if not self._stepping:
                self._finish(code)


def _resume(
    routine: Routine, value: int | None, error: Leave | None
) -> Outcome | Routine:
    if error is not None:
        return routine.throw(error)
    return next(routine) if value is None else routine.send(value)


class Executor:
    """All jobs of one computer, and the queue of those that can go on."""

    def __init__(self, system: System, tools: Mapping[str, Program]) -> None:
        """Start with none; ``tools`` are Windows' own programs by internal name."""
        self._system, self.tools = system, tools
        self._jobs: dict[int, Job] = {}
        self._most: dict[int, int] = {}
        self._ready: deque[Callable[[], None]] = deque()
        self._draining = False
        self._commands = 0
        self._rest = Outcome()

    def post(self, action: Callable[[], None]) -> None:
        """Do something as soon as nothing else is being done."""
        self._ready.append(action)
        if self._draining:
            return
        self._draining = True
        try:
            while self._ready:
                self._ready.popleft()()
        finally:
            self._draining = False

    def pause(self, seconds: float) -> Outcome:
        """Happens after so many simulated seconds."""
        outcome = Outcome()
        self._system.scheduler.after(seconds, outcome.set)
        return outcome

    def breath(self) -> Outcome:
        """What every command waits for first: nothing, unless there were too many."""
        self._commands += 1
        if self._commands == BREATH_COMMANDS:
            self._rest = self.pause(BREATH_SECONDS)
            self._rest.then(self._rested)
        return self._rest if self._commands >= BREATH_COMMANDS else done()

    def _rested(self) -> None:
        self._commands = 0

    def start(
        self,
        image: str,
        command_line: str,
        parent: int,
        run: Callable[[int], Routine],
    ) -> Job:
        """Enter a process into the table and begin it; ``run`` gets its number.

        Raises:
            FileError: there are too many already (8).
        """
        above = self._jobs.get(parent)
        if above and len(self.group(above.group)) >= self._most.get(
            above.group, MAX_PROCESSES
        ):
            raise FileError(Win32.NOT_ENOUGH_MEMORY, image)
        pid = self._system.processes.create(image, command_line, parent)
        job = Job(self, pid, above.group if above else pid, run(pid))
        self._jobs[pid] = job
        self.post(job.step)
        return job

    def group(self, group: int) -> set[int]:
        """The process numbers of a group."""
        return {job.pid for job in self._jobs.values() if job.group == group}

    def limit(self, group: int, most: int) -> None:
        """Allow a group fewer processes at a time, as a job object does."""
        self._most[group] = most

    def forget(self, job: Job) -> None:
        """A job has ended."""
        if self._jobs.pop(job.pid, None):
            self._system.processes.end(job.pid)
        self._most.pop(job.pid, None)

    def kill(self, pid: int, code: int = KILLED) -> bool:
        """End one process, not its children; ``False`` when it is none of these."""
        job = self._jobs.get(pid)
        if job is not None:
            job.kill(code)
        return job is not None

    def kill_group(self, group: int, code: int = KILLED) -> None:
        """End a process that was started from outside, with all it started."""
        for job in [one for one in self._jobs.values() if one.group == group]:
            job.kill(code)

    def kill_all(self) -> None:
        """Power is lost."""
        self._ready.clear()
        for job in list(self._jobs.values()):
            job.kill()
