"""Is this installation as it should be? What was seen, judged line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.application.ports.engine import EngineError
from orchestrator.application.ports.secrets import CredentialMissing, CredentialStore
from orchestrator.application.ports.storage import StorageError
from orchestrator.application.results import ExitCode, RequestError, Result
from orchestrator.application.rollout.leases import RENEWALS
from orchestrator.domain.server import Inventory

#: Seconds by which clocks may differ before it is worth a word.
CLOCKS_APART = 2.0


class Health(StrEnum):
    """How a part is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    #: Not looked at, since it cannot be from here; the hint says how to by hand.
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was found of a part, and what to mend."""

    subject: str
    health: Health
    found: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class DoctorReport:
    """Every line, in the order of what builds on what."""

    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class DatabaseSeen:
    """A database as it answered; the clock is ``None`` where it is this machine's."""

    address: str
    shared: bool
    schema: str | None
    expected: str
    ahead_seconds: float | None


@dataclass(frozen=True, slots=True)
class QueueSeen:
    """A site's queue on the broker."""

    messages: int
    consumers: int


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker that answered, and how far its clock is ahead of ours."""

    name: str
    sites: tuple[str, ...]
    release: str
    ahead_seconds: float


@dataclass(frozen=True, slots=True)
class BrokerSeen:
    """The broker as it answered; a site without a queue never had a worker."""

    address: str
    version: str
    queues: Mapping[str, QueueSeen | None]
    workers: Sequence[WorkerSeen]


@dataclass(frozen=True, slots=True)
class Patient:
    """What is looked at; each part may be out of order without the others."""

    database: Callable[[], DatabaseSeen]
    inventory: Callable[[], Inventory]
    #: Asks after these sites; ``None`` where no broker is set.
    broker: Callable[[Iterable[str]], BrokerSeen] | None
    credentials: CredentialStore
    #: Why the private file of credentials is refused, if it is.
    refused_file: Callable[[], str | None]
    #: What is wrong with the hooks, if anything is.
    hooks: Callable[[], str | None]
    #: Whether workers elsewhere take the turns.
    elsewhere: bool
    release: str
    lease_seconds: float
    installer_seconds: float


def examine(patient: Patient) -> Result[DoctorReport]:
    """Look at every part; what is out of order hides no other part."""
    checks = tuple(_checks(patient))
    bad = any(check.health is Health.FAIL for check in checks)
    code = ExitCode.NOT_AS_IT_SHOULD_BE if bad else ExitCode.DONE
    return Result("doctor", DoctorReport(checks), code)


def _checks(patient: Patient) -> Iterator[Check]:
    database = list(_guarded("database", lambda: _database(patient)))
    yield from database
    inventory = Inventory()
    # Any other schema would be made or upgraded by asking.
    if any((one.subject, one.health) == ("schema", Health.OK) for one in database):
        try:
            inventory = patient.inventory()
        except StorageError as error:
            yield Check("inventory", Health.FAIL, error.message, error.hint)
    yield from _guarded("broker", lambda: _broker(patient, inventory))
    yield from _secrets(patient, inventory)
    wrong = patient.hooks()
    yield Check(
        "hooks", Health.FAIL if wrong else Health.OK, wrong or "as they are set"
    )


def _guarded(subject: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    try:
        yield from look()
    except (StorageError, EngineError) as error:
        yield Check(subject, Health.FAIL, error.message, error.hint)
    except RequestError as error:
        yield Check(subject, Health.FAIL, error.problem.message, error.problem.hint)


def _database(patient: Patient) -> Iterator[Check]:
    seen = patient.database()
    yield Check("database", Health.OK, f"{seen.address} answers")
    if seen.schema == seen.expected:
        yield Check("schema", Health.OK, f"version {seen.schema}")
    elif seen.schema is None:
        yield Check("schema", Health.WARN, "none yet", "the first command makes it")
    else:
        found = f"version {seen.schema}, expected {seen.expected}"
        # Versions are numbers of four digits.
        if seen.schema > seen.expected:
            hint = "a newer release made it: use that release here as well"
            yield Check("schema", Health.FAIL, found, hint)
        else:
            yield Check("schema", Health.WARN, found, "the next command upgrades it")
    if patient.elsewhere and not seen.shared:
        hint = "set ORCHESTRATOR_DATABASE to PostgreSQL"
        found = "the engine is celery, and SQLite is a file of one machine"
        yield Check("engine", Health.FAIL, found, hint)
    if seen.ahead_seconds is not None:
        yield _clock("clock of the database", seen.ahead_seconds, patient)


def _clock(subject: str, ahead: float, patient: Patient) -> Check:
    """Leases are judged by whoever looks, so clocks must agree."""
    found = f"{abs(ahead):.1f} s {'ahead of' if ahead > 0 else 'behind'} this machine's"
    if abs(ahead) <= CLOCKS_APART:
        return Check(subject, Health.OK, found)
    bad = abs(ahead) > patient.lease_seconds / RENEWALS
    hint = "see to NTP on both; leases run by these clocks"
    return Check(subject, Health.FAIL if bad else Health.WARN, found, hint)


def _broker(patient: Patient, inventory: Inventory) -> Iterator[Check]:
    if patient.broker is None:
        yield Check(
            "broker",
            Health.FAIL if patient.elsewhere else Health.OK,
            "none is set",
            "set ORCHESTRATOR_BROKER" if patient.elsewhere else "",
        )
        return
    seen = patient.broker(inventory.sites)
    yield Check("broker", Health.OK, f"{seen.address} answers, RabbitMQ {seen.version}")
    yield Check(
        "consumer timeout",
        Health.UNSEEN,
        "not looked at: RabbitMQ tells it on its own computer only",
        "there, rabbitmqctl environment | grep consumer_timeout must show more than "
        f"{patient.installer_seconds * 2 * 1000:.0f} ms",
    )
    serving = {site for worker in seen.workers for site in worker.sites}
    for site, queue in sorted(seen.queues.items()):
        yield _site(site, queue, served=site in serving)
    for worker in seen.workers:
        yield _clock(f"clock of {worker.name}", worker.ahead_seconds, patient)
        if worker.release != patient.release:
            yield Check(
                f"release of {worker.name}",
                Health.WARN,
                f"found {worker.release}, this is {patient.release}",
                "bring both to one release",
            )


def _site(site: str, queue: QueueSeen | None, *, served: bool) -> Check:
    subject = f"site {site}"
    hint = f"orchestrator worker --site {site}"
    if queue is None:
        return Check(subject, Health.WARN, "never had a worker", hint)
    found = f"{queue.consumers} workers, {queue.messages} orders waiting"
    if queue.consumers == 0:
        return Check(subject, Health.FAIL, found, hint)
    if not served:
        hint = "they take orders but do not answer; look at their logs"
        return Check(subject, Health.WARN, found, hint)
    return Check(subject, Health.OK, found)


def _secrets(patient: Patient, inventory: Inventory) -> Iterator[Check]:
    refused = patient.refused_file()
    if refused:
        yield Check("credentials file", Health.FAIL, refused)
    names = {
        name
        for server in inventory.active()
        if (name := inventory.credential_of(server)) is not None
    }
    for name in sorted(names):
        found = patient.credentials.resolve(name)
        subject = f"credential {name}"
        if isinstance(found, CredentialMissing):
            # Workers resolve theirs from their own stores.
            health = Health.WARN if patient.elsewhere else Health.FAIL
            where = f"not found in {', '.join(found.looked_at)}"
            yield Check(subject, health, where, found.hint)
        else:
            yield Check(subject, Health.OK, "resolves")
