"""What the lab and the demonstration have to say; the rest comes from use cases."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.domain.verdict import Verdict


@dataclass(frozen=True, slots=True)
class LabReport:
    """A simulated estate that is being served."""

    servers: int
    seed: int
    credential: str
    username: str
    inventory: str | None
    #: The first and the last address with its port.
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class BeforeAfter:
    """One server of the demonstration."""

    server: str
    before: Verdict
    after: Verdict
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class DemoReport:
    """What the demonstration showed, and where it left everything."""

    servers: tuple[BeforeAfter, ...]
    seconds: int
    folder: str
    database: str
    reports: tuple[str, ...]
