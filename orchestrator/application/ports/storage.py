"""What is kept, and how a change of it is one piece.

A unit of work is a transaction: it commits when its block ends without an exception
and leaves nothing otherwise. Whoever changes something records it in the same unit,
so that the state and the evidence cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from orchestrator.domain.evidence import Entry, Head, Record, RecordKind
from orchestrator.domain.facts import FactSet, Observation
from orchestrator.domain.hotfix import Hotfix, Package
from orchestrator.domain.planning import Approval, Plan
from orchestrator.domain.remediation import Attempt
from orchestrator.domain.rollout import Run
from orchestrator.domain.server import Inventory
from orchestrator.domain.symptom import Sample
from orchestrator.domain.waiver import Waiver


class StorageError(Exception):
    """The database failed or is not the one expected; knows what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        """Keep both; the address of a database never holds its password here."""
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """A plan with when it was made and by whom."""

    plan: Plan
    made: datetime
    account: str
    #: The run that consumed it, if it was started.
    run: str | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds a server or a run, and until when unless renewed."""

    resource: str
    owner: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class LeaseHeld:
    """Somebody else holds it."""

    lease: Lease


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """When a server's right files were first seen, and wrong ones last, per article.

    Both on the host's clock; ``None`` where it never was.
    """

    right: datetime | None = None
    wrong: datetime | None = None


class CatalogRepository(Protocol):
    """Definitions with their tables, and packages."""

    def put_hotfix(self, hotfix: Hotfix) -> None:
        """Store or replace a definition with its table."""

    def hotfix(self, article: str) -> Hotfix | None:
        """A definition by ``KBnnnnnn``."""

    def hotfixes(self) -> Sequence[Hotfix]:
        """All definitions by article."""

    def put_package(self, package: Package, location: str) -> None:
        """Store a package's facts and where its file lies; same hash replaces."""

    def packages(self, article: str) -> Sequence[Package]:
        """The packages of an article by name."""

    def package_location(self, sha256: str) -> str | None:
        """The local path of a package's file."""


class InventoryRepository(Protocol):
    """The estate as last imported; retired servers stay with their history."""

    def load(self) -> Inventory:
        """The whole inventory, the retired included."""

    def save(self, inventory: Inventory) -> None:
        """Replace the whole inventory; servers that are gone must be retired."""


class FactRepository(Protocol):
    """The newest observation of each fact of each server."""

    def put(self, server: str, observations: Iterable[Observation]) -> None:
        """Store observations; an older one never replaces a newer."""

    def of(self, server: str) -> FactSet:
        """One server's facts."""

    def of_all(self) -> Mapping[str, FactSet]:
        """Every server's facts, by name; one query."""

    def put_contact(self, server: str, at: datetime, fault: str | None) -> None:
        """Store that a server was reached, or why it was not."""

    def contacts(self) -> Mapping[str, tuple[datetime, str | None]]:
        """The last contact with each server: when, and the fault if it failed."""

    def out_of_reach(self) -> frozenset[str]:
        """The servers with which the last contact failed."""

    def put_first_seen(self, server: str, article: str, seen: FirstSeen) -> None:
        """Store when right and wrong files were seen."""

    def first_seen(
        self, article: str, server: str | None = None
    ) -> Mapping[str, FirstSeen]:
        """Per server, for one article; of one server, if it is named."""

    def put_samples(self, server: str, samples: Iterable[Sample]) -> None:
        """Store looks at processes; the same process and instant again replaces."""

    def samples(
        self, *, since: datetime, server: str | None = None
    ) -> Mapping[str, Sequence[Sample]]:
        """Per server, in order of time; servers without any are left out."""


class PlanRepository(Protocol):
    """Plans and approvals."""

    def add(self, stored: StoredPlan) -> None:
        """Store a plan; the same digest again keeps the first."""

    def find(self, name: str) -> StoredPlan | None:
        """A plan by digest or by a prefix of it of at least eight digits."""

    def all(self) -> Sequence[StoredPlan]:
        """Every plan, newest first."""

    def before(self, stored: StoredPlan) -> StoredPlan | None:
        """The plan on the same article that was made last before this one."""

    def approve(self, approval: Approval) -> None:
        """Store an approval."""

    def approvals(self, plan_digest: str) -> Sequence[Approval]:
        """The approvals of a plan, oldest first."""

    def consume(self, plan_digest: str, run: str) -> bool:
        """Bind a plan to its one run; ``False`` if another run has it already."""


class RunRepository(Protocol):
    """Runs, attempts and leases: the journal."""

    def add(self, run: Run, attempts: Iterable[Attempt]) -> None:
        """Store a run with an attempt for each of its servers."""

    def update(self, run: Run) -> None:
        """Store a run's new state."""

    def find(self, name: str | None) -> Run | None:
        """A run by name, or the newest."""

    def all(self) -> Sequence[Run]:
        """Every run, newest first."""

    def attempts(self, run: str) -> Sequence[Attempt]:
        """The attempts of a run by wave and place in the plan."""

    def attempt(self, run: str, server: str) -> Attempt:
        """One attempt.

        Raises:
            KeyError: the run has none for this server.
        """

    def save_attempt(self, attempt: Attempt, *, fence: int) -> bool:
        """Store an attempt if its fence is still the one given.

        ``False`` means another worker has moved it on: stop, and touch nothing.
        """

    def attempts_on(self, server: str) -> Sequence[Attempt]:
        """Every attempt on a server, newest run first."""

    def unsettled(self) -> Mapping[str, str]:
        """Servers with an attempt that is begun and not settled, and its run."""

    def left_drained(self) -> frozenset[str]:
        """Servers that their newest attempt took out and did not put back."""

    def last_installs(
        self, article: str, server: str | None = None
    ) -> Mapping[str, Attempt]:
        """Per server, the newest settled attempt that ran the installer.

        Of one server, if it is named.
        """

    def take_lease(
        self, resource: str, owner: str, *, now: datetime, until: datetime
    ) -> Lease | LeaseHeld:
        """Take, renew, or take over an expired lease."""

    def renew_leases(
        self, resources: Iterable[str], owner: str, *, until: datetime
    ) -> None:
        """Hold on to those of these leases that are still ours; take none."""

    def release_lease(self, resource: str, owner: str) -> None:
        """Give a lease back; nothing happens if it is not ours."""

    def leases(self) -> Sequence[Lease]:
        """All leases."""


class WaiverRepository(Protocol):
    """Waivers; the newest of a server and article counts."""

    def add(self, waiver: Waiver) -> None:
        """Store a waiver."""

    def all(self, article: str) -> Mapping[str, Waiver]:
        """The newest waiver per server for an article."""


class EvidenceRepository(Protocol):
    """The hash chain. Append only; retention takes content and leaves the hash."""

    def append(self, *entries: Entry) -> Head:
        """Append to this process's chain, in order; its new head."""

    def forget(self, writer: str, first: int, last: int) -> None:
        """Take the content of a chain's records, from one number to another."""

    def heads(self) -> Sequence[Head]:
        """The head of every chain, by writer."""

    def chain(self, head: Head) -> Iterator[Record]:
        """A writer's records up to a head, in order of number; streamed."""

    def records(
        self,
        *,
        subject: str | None = None,
        kinds: Sequence[RecordKind] = (),
        until: datetime | None = None,
    ) -> Iterator[Record]:
        """Records in order of time, then writer and number; streamed."""

    def times(
        self, kind: RecordKind, subject: str, until: datetime
    ) -> Sequence[datetime]:
        """When records of a kind on a subject were appended, in order."""


class UnitOfWork(Protocol):
    """The repositories of one transaction."""

    catalog: CatalogRepository
    inventory: InventoryRepository
    facts: FactRepository
    plans: PlanRepository
    runs: RunRepository
    waivers: WaiverRepository
    evidence: EvidenceRepository


class Storage(Protocol):
    """Opens units of work; may be used from many threads."""

    def begin(self) -> AbstractContextManager[UnitOfWork]:
        """One transaction: committed at the end of the block, or nothing is.

        Read first, then write: what is read to decide by (the inventory, a
        definition, a plan, a run, leases, what is unsettled) is nobody else's to
        change until the block ends, and the block ends once all of it is durable.
        Keep the block short, and open no other in it.

        Raises:
            StorageError: the database failed.
        """

    def read(self) -> AbstractContextManager[UnitOfWork]:
        """One state of everything, for reading only; waits for no writer.

        Raises:
            StorageError: the database failed, or something was to be written.
        """
