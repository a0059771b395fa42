"""The command interpreter: runs trees, keeps variables, folder and ERRORLEVEL."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import assert_never

from typing_extensions import override

from orchestrator.lab.windows.cmd import conditions, launch, loops
from orchestrator.lab.windows.cmd.batch import (
    MAX_CALLS,
    EndFrame,
    Exit,
    Frame,
    Goto,
)
from orchestrator.lab.windows.cmd.builtin_table import (
    BUILTINS,
    ErrorlevelRule,
    is_drive,
    match_builtin,
)
from orchestrator.lab.windows.cmd.expansion import (
    Arguments,
    expand,
    expand_delayed,
    expand_loop,
    split_words,
)
from orchestrator.lab.windows.cmd.parser import (
    DELIMITERS,
    MAX_LINE,
    CmdSyntaxError,
    parse,
)
from orchestrator.lab.windows.cmd.ports import Started
from orchestrator.lab.windows.cmd.redirection import Handles, redirected
from orchestrator.lab.windows.cmd.rendering import render
from orchestrator.lab.windows.cmd.session import Session
from orchestrator.lab.windows.cmd.streams import Pipe, Routine
from orchestrator.lab.windows.cmd.tree import (
    Block,
    Chain,
    For,
    If,
    Redirect,
    Simple,
    Tree,
)
from orchestrator.lab.windows.paths import FileError

NOT_RECOGNIZED = 9009
SYNTAX_ERROR = 255
UTF8_PAGE = 65001
"""Under this code page batch files silently do nothing before Server 2008 R2."""


class Interpreter(Session):
    """One cmd.exe."""

    # Lines.

    @override
    def run_line(self, line: str) -> Routine:
        """Run one command line; the status is what ``cmd /c`` ends with."""
        if len(line) > MAX_LINE:
            self.complain("The command line is too long.\r\n")
            return 1
        text = expand(line, self.lookup, None, self.locator())
        try:
            tree = parse(text, lambda: None)
        except CmdSyntaxError as error:
            self.complain(f"{error}\r\n" if str(error) else "")
            self.errorlevel = SYNTAX_ERROR
            return SYNTAX_ERROR
        return (yield from self.execute(tree)) if tree else 0

    @override
    def run_frame(self, frame: Frame) -> Routine:
        """Run a batch file or a called label to its end; gives ERRORLEVEL."""
        if self.console.code_page == UTF8_PAGE:
            return 0
        if len(self.frames) >= MAX_CALLS:
            self.complain("******  B A T C H   R E C U R S I O N  exceeds STACK")
            self.complain(" limits ******\r\nBATCH PROCESSING IS ABORTED\r\n")
            raise Exit(1)
        self.frames.append(frame)
        variables, self.loop_variables = self.loop_variables, {}
        try:
            yield from self._lines(frame)
        except EndFrame:
            pass
        finally:
            while frame.saved:
                self.restore(frame.saved.pop())
            self.frames.pop()
            self.loop_variables = variables
        return self.errorlevel

    def _lines(self, frame: Frame) -> Routine:
        while (line := self._next_line(frame)) is not None:
            try:
                tree = parse(line, lambda: self._next_line(frame))
                if tree is not None:
                    self.show(tree)
                    yield from self.execute(tree)
                else:
                    yield from self._breathe()
            except Goto as jump:
                frame.position = jump.position
            except CmdSyntaxError as error:
                self.complain(f"{error}\r\n" if str(error) else "")
                self.errorlevel = SYNTAX_ERROR
                raise Exit(SYNTAX_ERROR) from error
        return 0

    def _next_line(self, frame: Frame) -> str | None:
        """The next line, as it is in the file now, its variables replaced."""
        node = self.files.find(frame.arguments.path)
        if node is None:
            self.complain("The batch file cannot be found.\r\n")
            self.errorlevel = 1
            return None
        line = frame.next_line(node.content, self.code_page)
        if line is None or line.lstrip(DELIMITERS).startswith(":"):
            return line
        return expand(line, self.lookup, frame.arguments, self.locator())[:MAX_LINE]

    # Trees.

    def _breathe(self) -> Routine:
        yield self.executor.breath()
        yield self.handles.streams.stdout.room()
        return 0

    @override
    def execute(self, tree: Tree) -> Routine:
        """Run a tree; the status decides over ``&&`` and ``||``."""
        yield from self._breathe()
        match tree:
            case Simple():
                return (yield from self._simple(tree))
            case Block(parts, redirects):
                return (yield from self._block(parts, redirects))
            case Chain():
                return (yield from self._chain(tree))
            case If(condition, then, otherwise):
                branch = then if conditions.holds(self, condition) else otherwise
                return (yield from self.execute(branch)) if branch else 0
            case For():
                return (yield from loops.run(self, tree))
            case _:
                assert_never(tree)

    def _chain(self, tree: Chain) -> Routine:
        if tree.operator == "|":
            return (yield from self._piped(tree))
        status = yield from self.execute(tree.left)
        if tree.operator == "||" and status:
            self.errorlevel = status
        if tree.operator == "&" or (tree.operator == "&&") is (status == 0):
            status = yield from self.execute(tree.right)
        return status

    def _piped(self, tree: Chain) -> Routine:
        """Both sides run at once, each in a cmd of its own."""
        pipe = Pipe()
        try:
            first, second = self._start_sides(tree, pipe)
        except FileError as error:
            pipe.abandon()
            self.complain(f"{error.message}\r\n")
            self.errorlevel = 1
            return 1
        yield first.outcome
        self.errorlevel = yield second.outcome
        return self.errorlevel

    def _start_sides(self, tree: Chain, pipe: Pipe) -> tuple[Started, Started]:
        outer = self.handles
        left = Handles({**outer.sinks, 1: pipe}, outer.stdin)
        right = Handles(dict(outer.sinks), pipe)
        first = self.fork(tree.left, left)
        first.outcome.then(pipe.close)
        second = self.fork(tree.right, right)
        second.outcome.then(pipe.abandon)
        return first, second

    def fork(self, tree: Tree, handles: Handles) -> Started:
        """Run a tree in a cmd of its own that inherits everything but batch files."""

        def body(child: Interpreter) -> Routine:
            child.loop_variables = dict(self.loop_variables)
            return child.execute(tree)

        return self._fork(f'/S /D /c" {self.late(render(tree))}"', handles, body)

    @override
    def fork_line(self, line: str, handles: Handles) -> Started:
        return self._fork(f"/c {line}", handles, lambda child: child.run_line(line))

    def _fork(
        self, tail: str, handles: Handles, body: Callable[[Interpreter], Routine]
    ) -> Started:
        shell = self.lookup("ComSpec") or "cmd.exe"

        def run(pid: int) -> Routine:
            child = Interpreter(self.system, self.executor, pid, self.context)
            child.handles, child.echo = handles, False
            return child.finish(body(child))

        return self.executor.start(shell, f"{shell} {tail}", self.pid, run)

    def finish(self, routine: Routine) -> Routine:
        """Run as a whole cmd: ``exit`` ends here."""
        try:
            return (yield from routine)
        except (Exit, EndFrame) as leaving:
            return leaving.code
        except Goto:
            return 1

    def _block(
        self, parts: tuple[Tree, ...], redirects: tuple[Redirect, ...]
    ) -> Routine:
        outer = self.handles
        if not self._redirect(redirects):
            return 1
        try:
            status = 0
            for part in parts:
                status = yield from self.execute(part)
            return status
        finally:
            self.handles.close()
            self.handles = outer

    def _redirect(self, redirects: tuple[Redirect, ...]) -> bool:
        """Point the handles elsewhere; on failure say why and leave them."""
        try:
            self.handles = redirected(
                self.handles, redirects, self.files, self.redirect_target
            )
        except FileError as error:
            self.complain(f"{error.message}\r\n")
            return False
        return True

    def redirect_target(self, text: str) -> str:
        """The full path of a redirection's target, or ``nul``."""
        text = self.late(text).replace('"', "")
        return "nul" if text.lower() == "nul" else self.path(text)

    @override
    def late(self, text: str) -> str:
        """Replace what is only known when a command runs."""
        text = expand_loop(text, self.loop_variables, self.locator())
        return expand_delayed(text, self.lookup) if self.delayed else text

    # Simple commands.

    def _simple(self, tree: Simple) -> Routine:
        head, tail = self.late(tree.head), self.late(tree.tail)
        if head != tree.head and not head.startswith('"'):
            words = split_words(head)
            first = words[0] if words else ""
            head, tail = first, head[head.find(first) + len(first) :] + tail
        outer = self.handles
        if not self._redirect(tree.redirects):
            return 1
        try:
            return (yield from self.dispatch(head, tail)) if head else 0
        finally:
            self.handles.close()
            self.handles = outer

    @override
    def dispatch(self, head: str, tail: str, *, called: bool = False) -> Routine:
        """Run a command by name: built in, a batch file or a program."""
        if is_drive(head):
            return (yield from self._built_in("cd", f" /d {head}"))
        name, rest = match_builtin(head)
        if name and not (rest.startswith(".") and self._locate(head)):
            return (yield from self._built_in(name, rest + tail))
        path = self._locate(head.strip('"'))
        if path is None:
            return self._not_found(head)
        if path.lower().endswith(launch.BATCH):
            return (yield from self._batch(head, path, tail, called=called))
        return (yield from self._program(head, path, tail))

    @override
    def knows(self, head: str) -> bool:
        return bool(match_builtin(head)[0])

    def _locate(self, name: str) -> str | None:
        return launch.locate(self.files, name, self.context)

    def _not_found(self, head: str) -> int:
        name = head.strip('"')
        folder = self.path(name).rpartition("\\")[0] + "\\"
        if "\\" in name and not self.files.is_folder(folder):
            self.complain("The system cannot find the path specified.\r\n")
            self.errorlevel = 1
            return 1
        self.complain(
            f"'{head}' is not recognized as an internal or external command,\r\n"
            "operable program or batch file.\r\n"
        )
        self.errorlevel = NOT_RECOGNIZED
        return 1

    def _built_in(self, name: str, tail: str) -> Routine:
        entry = BUILTINS[name]
        try:
            result = entry.run(self, tail)
            status: int | None = (
                (yield from result) if isinstance(result, Generator) else result
            )
        except FileError as error:
            self.complain(f"{error.message}\r\n")
            status = 1
        if self._counts(entry.rule, status or 0):
            self.errorlevel = status or 0
        return status or 0

    def _counts(self, rule: ErrorlevelRule, status: int) -> bool:
        match rule:
            case ErrorlevelRule.ALWAYS:
                return True
            case ErrorlevelRule.NEVER:
                return False
            case ErrorlevelRule.FAILURE:
                return bool(status)
            case ErrorlevelRule.CMD_FILES:
                path = self.frames[-1].arguments.path if self.frames else ""
                return bool(status) or path.lower().endswith(".cmd")

    def _batch(self, head: str, path: str, tail: str, *, called: bool) -> Routine:
        frame = Frame(Arguments(head, tail, path))
        inside = bool(self.frames)
        status = yield self.run_frame(frame)
        if inside and not called:
            raise EndFrame(status)  # without call there is no way back
        return status

    def _program(self, head: str, path: str, tail: str) -> Routine:
        job = self.start_program(head, path, tail)
        self.errorlevel = (yield job.outcome) if job else 1
        return self.errorlevel

    @override
    def start_program(self, head: str, path: str, tail: str) -> Started | None:
        """Start a program without waiting; ``None``, and a word, if it is none."""
        try:
            program = launch.program_at(self.system, path, self.tools)
            if program is None:
                self.complain(f"{path} is not a valid Win32 application.\r\n")
                return None
            return launch.start(
                *(self.executor, self.system, program),
                path=path,
                line=(head, tail),
                context=self.context,
                parent=self.pid,
            )
        except FileError as error:
            self.complain(f"{error.message}\r\n")
            return None
