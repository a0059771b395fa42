"""One call of the command line: its options, its program, and how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.application.results import Result
from orchestrator.cli.options import AuditFormat, Format, Options

if TYPE_CHECKING:
    from orchestrator.application.reporting import Surroundings
    from orchestrator.application.services import Services
    from orchestrator.bootstrap import Program
    from orchestrator.cli.progress import Reporter
    from orchestrator.config import EngineName

#: What a command ends with; its kind tells the shape of its data.
Answer = Result[Any]


@dataclass
class Session:
    """What a command is handed. The heavy parts are loaded when first asked for."""

    options: Options = field(default_factory=Options)
    #: The kind of the envelope, also where the command fails.
    kind: str = "error"
    #: The composition root, where it is not the usual one.
    given: Program | None = None
    #: Where the result goes; stdout if there is none.
    output: Path | None = None
    #: Whether a result has begun to go out and not ended.
    begun: bool = False
    #: What a report shows beside the audit.
    around: Surroundings | None = None
    #: How many processes; as the settings have it if there is none.
    processes: int | None = None

    @property
    def json(self) -> bool:
        """Whether stdout is for a program."""
        return self.options.format == Format.JSON

    def take_audit(self, written_as: AuditFormat | None, output: Path | None) -> None:
        """How and where to an audit is written."""
        self.options = replace(self.options, format=written_as or self.options.format)
        self.output = output

    @cached_property
    def reporter(self) -> Reporter:
        """Hears of progress; writes to stderr only."""
        from orchestrator.cli.progress import reporter

        return reporter(quiet=bool(self.options.quiet), color=not self.options.no_color)

    @cached_property
    def program(self) -> Program:
        """The composition root under these options."""
        if self.given is not None:
            return self.given
        from orchestrator.bootstrap import Program
        from orchestrator.cli.asking import Asker, can_ask
        from orchestrator.cli.text import note
        from orchestrator.config import Settings

        given: dict[str, Any] = {
            "database": self.options.database,
            "processes": self.processes,
        }
        return Program(
            Settings(**{name: value for name, value in given.items() if value}),
            prompt=Asker(self.reporter) if can_ask() else None,
            notice=note,
        )

    def with_engine(self, engine: EngineName | None) -> None:
        """Work by this engine, where one was given.

        Raises:
            RequestError: its settings are not as it needs them.
        """
        if engine is not None:
            settings = self.program.settings.model_copy(update={"engine": engine})
            self.program = replace(self.program, settings=settings)
        self.program.check_engine()

    @contextmanager
    def services(self) -> Iterator[Services]:
        """The ports, with the database open and progress drawn."""
        with (
            self.program.services(self.reporter) as services,
            self.reporter.shown(),
        ):
            yield services

    @contextmanager
    def pausable_services(self) -> Iterator[Services]:
        """The same, for long work that the first Ctrl-C pauses."""
        from orchestrator.cli.pausing import pausing
        from orchestrator.cli.text import note

        with (
            pausing(note) as interrupted,
            self.program.services(self.reporter, interrupted) as services,
            self.reporter.shown(),
        ):
            yield services
