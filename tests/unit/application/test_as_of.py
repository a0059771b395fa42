"""The past is judged as it was known then: every past answer is the one given then.

The oracle is the program itself, asked at the time: a random history is lived through
on hosts in memory, the plain audit is asked after each event, and at the end each of
those moments is asked about again. Nothing of the replay is shared with it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import update

from orchestrator.adapters.database import SqlStorage, open_storage
from orchestrator.adapters.database.evidence import Evidence
from orchestrator.adapters.database.models import EvidenceRow
from orchestrator.adapters.evidence_files.bundle import ZipBundles
from orchestrator.application.apply import apply
from orchestrator.application.audit import (
    AuditedServer,
    AuditReport,
    audit,
    audit_as_of,
)
from orchestrator.application.codec import to_json
from orchestrator.application.evidence import EvidenceCheck, export, verify
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.hosts import FaultKind, HostFaultError
from orchestrator.application.results import (
    ErrorCode,
    ExitCode,
    RefusedError,
    RequestError,
    Result,
)
from orchestrator.application.retention import Retention, prune
from orchestrator.application.services import Services
from orchestrator.application.survey import survey
from orchestrator.application.waivers import waive
from orchestrator.application.watching import MIN_INTERVAL, watch
from orchestrator.domain.evidence import Entry, RecordKind
from orchestrator.domain.hotfix import ExposureRule, FileTable, Hotfix
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.selection import Selection, parse_selection
from orchestrator.domain.server import Inventory
from orchestrator.domain.verdict import Verdict
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, HOTFIX, NEW, OLD, PACKAGE, PATH, World, world

ALL = Selection()
NAMES = ("fe1", "fe2", "fe3")
MTLS = ExposureRule.MTLS_TO_SYN_PROTECTED_PEER


@dataclass(slots=True)
class Lived:
    """An estate with all that was said of it while it was lived through."""

    world: World
    said: list[Result[AuditReport]]

    @property
    def services(self) -> Services:
        return self.world.services

    def ask(self) -> Result[AuditReport]:
        """The plain audit, now; the clock moves on afterwards."""
        answer = audit(self.services, ARTICLE, ALL)
        self.said.append(answer)
        self.world.clock.advance(1)
        return answer


def record_import(services: Services, hotfix: Hotfix) -> None:
    """A definition comes into the catalog."""
    with services.storage.begin() as uow:
        uow.catalog.put_hotfix(hotfix)
        uow.evidence.append(Entry(RecordKind.CATALOG, hotfix.article, to_json(hotfix)))


def record_package(services: Services, *, pinned: bool) -> None:
    """A package comes into the catalog, or is pinned, or not any more."""
    package = replace(PACKAGE, pinned=pinned)
    with services.storage.begin() as uow:
        uow.catalog.put_package(package, "/nowhere/package.exe")
        uow.evidence.append(
            Entry(
                RecordKind.CATALOG,
                ARTICLE,
                {"package": to_json(package), "inside": None},
            )
        )


def record_inventory(services: Services, inventory: Inventory) -> None:
    """An inventory replaces the one before."""
    with services.storage.begin() as uow:
        uow.inventory.save(inventory)
        uow.evidence.append(
            Entry(RecordKind.INVENTORY, "inventory", to_json(inventory))
        )


@cache
def empty_database() -> Path:
    """A database with our schema, made once and copied for each history."""
    made = Path(mkdtemp()) / "empty.db"
    open_storage(f"sqlite:///{made}", writer="empty", clock=FakeClock().now).close()
    return made


@contextmanager
def lived(folder: Path) -> Iterator[Lived]:
    """Three leaking front ends of one pool; everything imported is recorded."""
    clock = FakeClock()
    shutil.copy(empty_database(), folder / "as-of.db")
    with (
        open_storage(
            f"sqlite:///{folder}/as-of.db", writer="test", clock=clock.now
        ) as storage,
        world(storage, NAMES) as made,
    ):
        made.clock = clock
        made.services = replace(made.services, clock=clock)
        for host in made.hosts.values():
            host.clock = clock
        record_import(made.services, HOTFIX)
        record_package(made.services, pinned=True)
        with storage.read() as uow:
            inventory = uow.inventory.load()
        record_inventory(made.services, inventory)
        yield Lived(made, [])


@pytest.fixture
def past(tmp_path: Path) -> Iterator[Lived]:
    with lived(tmp_path) as made:
        yield made


def as_of(made: Lived, moment: datetime) -> Result[AuditReport]:
    return audit_as_of(made.services, ARTICLE, ALL, moment)


def plain(answer: Result[AuditReport]) -> tuple[AuditReport, ExitCode]:
    """An answer without what only a look back can say."""
    lines = tuple(replace(line, then=None) for line in answer.data.servers)
    return replace(answer.data, servers=lines), answer.exit_code


def line_of(answer: Result[AuditReport], name: str) -> AuditedServer:
    return next(line for line in answer.data.servers if line.server == name)


def pruned(made: Lived, before: datetime) -> Retention:
    """Retention takes what was superseded by then."""
    return prune(
        made.services, before, by="A. Manager", reason="rule 7", confirmed=True
    ).data


def bundle_of(made: Lived, folder: Path) -> EvidenceCheck:
    """All evidence, exported and checked."""
    files, path = ZipBundles(), folder / "evidence.zip"
    head = export(made.services, files, path).data.head
    return verify(files, path, head).data


def forget(made: Lived) -> None:
    """Somebody's hand takes the content of what was recorded; the chain stays."""
    storage = made.services.storage
    assert isinstance(storage, SqlStorage)
    with storage.begin() as uow:
        assert isinstance(uow.evidence, Evidence)
        uow.evidence._work.run(update(EvidenceRow).values(payload=None))


# What may happen to an estate. Each event takes the number that chose it.


def _one(number: int) -> str:
    return NAMES[number % len(NAMES)]


def _active(made: Lived, number: int) -> Selection:
    with made.services.storage.read() as uow:
        active = uow.inventory.load().active()
    return parse_selection(active[number % len(active)].name)


def surveyed(made: Lived, number: int) -> None:
    chosen = _active(made, number) if number % 2 else ALL
    survey(made.services, chosen)


def watched(made: Lived, number: int) -> None:
    chosen = _active(made, number)
    looks = watch(
        made.services, chosen, ARTICLE, rounds=1 + number % 3, interval=MIN_INTERVAL
    )
    assert list(looks)


def time_passed(made: Lived, number: int) -> None:
    made.world.clock.advance(3600 * (1 + number % 60))


def file_changed(made: Lived, number: int) -> None:
    host = made.world.hosts[_one(number)]
    host.files[PATH] = NEW if host.files[PATH] == OLD else OLD


def cut_off(made: Lived, number: int) -> None:
    """A server cannot be reached any more, or again."""
    name = _one(number)
    faults = made.world.gateway.faults
    if faults.pop(name, None) is None:
        faults[name] = HostFaultError(FaultKind.UNREACHABLE, name, "no answer", "look")


def waived(made: Lived, number: int) -> None:
    waive(
        made.services,
        _one(number),
        ARTICLE,
        owner=f"owner {number}",
        until=made.world.clock.now() + timedelta(hours=1 + number),
        reason="accepted",
    )


def table_changed(made: Lived, number: int) -> None:
    table = HOTFIX.file_table
    assert table is not None
    rows = (replace(table.rows[0], version=NEW.version or table.rows[0].version),)
    older = (replace(table.rows[0], version=OLD.version or table.rows[0].version),)
    tables: tuple[FileTable | None, ...] = (
        None,
        replace(table, rows=rows),
        replace(table, rows=older),
    )
    record_import(
        made.services, replace(HOTFIX, file_table=tables[number % len(tables)])
    )


def pinning_changed(made: Lived, number: int) -> None:
    record_package(made.services, pinned=bool(number % 2))


def inventory_changed(made: Lived, number: int) -> None:
    with made.services.storage.read() as uow:
        inventory = uow.inventory.load()
    name = _one(number)
    server = inventory.servers[name]
    changed = (
        replace(server, retired=not server.retired)
        if number % 2
        else replace(server, edition=f"edition {number}")
    )
    if sum(not known.retired for known in inventory.servers.values()) == 1 and (
        changed.retired
    ):
        return  # somebody must be left to be asked about
    record_inventory(
        made.services, replace(inventory, servers={**inventory.servers, name: changed})
    )


def installed(made: Lived, number: int) -> None:
    activation = Activation.RESTART_SERVICE if number % 2 else Activation.LEAVE
    survey(made.services, ALL)
    made_plan = plan(made.services, ARTICLE, ALL, PlanPolicy(activation=activation))
    approve(made.services, made_plan.data.plan, by="A. Manager", reason="change 1")
    apply(made.services, made_plan.data.plan)


Event = Callable[[Lived, int], None]
EVENTS: Mapping[str, Event] = {
    event.__name__: event
    for event in (
        surveyed,
        watched,
        time_passed,
        file_changed,
        cut_off,
        waived,
        table_changed,
        pinning_changed,
        inventory_changed,
        installed,
    )
}

histories = st.lists(
    st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, 99)),
    min_size=1,
    max_size=5,
)


def test_as_of_now_is_the_plain_audit(past: Lived) -> None:
    for number, event in enumerate((surveyed, waived, installed, cut_off, watched)):
        event(past, number * 2)
    past.world.clock.advance(25 * 3600)
    survey(past.services, parse_selection("fe1,fe2"))
    now = past.services.clock.now()
    answer = as_of(past, now)
    again = audit(past.services, ARTICLE, ALL)
    # The audit itself is one look more at the estate.
    same = replace(again.data, compliance=answer.data.compliance)
    assert answer == replace(again, data=same)
    assert len({line.verdict for line in answer.data.servers}) > 1


def test_a_waiver_of_then_stands_beside_the_verdict(past: Lived) -> None:
    surveyed(past, 0)
    begun = past.services.clock.now()
    past.world.clock.advance(60)
    waived(past, 0)
    given = past.services.clock.now()
    past.world.clock.advance(7200)
    assert line_of(as_of(past, begun), "fe1").waiver is None
    assert line_of(as_of(past, given), "fe1").waiver is not None
    ended = line_of(as_of(past, given + timedelta(hours=1)), "fe1")
    assert ended.waiver is None


def test_a_symptom_of_then_is_known(past: Lived) -> None:
    """An unexposed server's verdict turns on its symptom alone."""
    host = past.world.hosts["fe1"]
    process = host.processes["lsass.exe"][0]
    record_import(past.services, replace(HOTFIX, exposure=MTLS))
    surveyed(past, 0)
    quiet = past.ask()
    chosen = parse_selection("fe1")
    looks = watch(
        past.services, chosen, ARTICLE, rounds=15, interval=timedelta(minutes=10)
    )
    for number, _ in enumerate(looks):
        grown = (process.private_bytes or 0) + (number << 24)
        host.processes["lsass.exe"] = [replace(process, private_bytes=grown)]
    leaking = past.ask()
    assert line_of(leaking, "fe1").verdict is not line_of(quiet, "fe1").verdict
    for answer in (quiet, leaking):
        assert plain(as_of(past, answer.data.as_of)) == plain(answer)


def test_facts_are_as_old_as_they_were(past: Lived) -> None:
    surveyed(past, 0)
    begun = past.services.clock.now()
    past.world.clock.advance(100 * 3600)
    young = as_of(past, begun + timedelta(hours=1))
    old = as_of(past, begun + timedelta(hours=25))
    assert line_of(young, "fe1").age_seconds == 3600
    assert line_of(young, "fe1").verdict is Verdict.NEEDED
    assert line_of(old, "fe1").verdict is Verdict.UNKNOWN


def test_another_verdict_recorded_then_is_told(past: Lived) -> None:
    surveyed(past, 0)
    recorded = past.ask().data.as_of
    past.world.clock.advance(100 * 3600)
    same = as_of(past, recorded + timedelta(hours=1))
    changed = as_of(past, recorded + timedelta(hours=30))
    assert line_of(same, "fe1").then is None
    then = line_of(changed, "fe1").then
    assert then is not None
    assert (then.verdict, then.at) == (Verdict.NEEDED, recorded)


def test_looking_back_records_nothing(past: Lived) -> None:
    with past.services.storage.read() as uow:
        before = uow.evidence.heads()
    as_of(past, past.services.clock.now())
    with past.services.storage.read() as uow:
        assert uow.evidence.heads() == before


def test_a_time_to_come_is_refused(past: Lived) -> None:
    with pytest.raises(RequestError) as caught:
        as_of(past, past.services.clock.now() + timedelta(minutes=1))
    assert caught.value.problem.code is ErrorCode.BAD_INPUT


def test_before_its_import_an_article_is_not_known(past: Lived) -> None:
    with pytest.raises(RequestError) as caught:
        as_of(past, datetime(2020, 1, 1, tzinfo=UTC))
    assert caught.value.problem.code is ErrorCode.NOT_FOUND


def test_what_somebody_took_cannot_be_judged(past: Lived) -> None:
    surveyed(past, 0)
    forget(past)
    with pytest.raises(RefusedError) as caught:
        as_of(past, past.services.clock.now())
    assert caught.value.problem.code is ErrorCode.PRUNED


def test_without_a_yes_retention_only_counts(past: Lived, tmp_path: Path) -> None:
    surveyed(past, 0)
    past.world.clock.advance(60)
    surveyed(past, 0)
    past.world.clock.advance(60)
    before = past.services.clock.now()
    counted = prune(past.services, before, by="A", reason="r", confirmed=False).data
    assert not counted.done
    assert counted.pruned["observation"] > 0
    assert bundle_of(past, tmp_path).pruned == 0
    taken = pruned(past, before)
    assert (taken.done, taken.pruned) == (True, counted.pruned)
    checked = bundle_of(past, tmp_path)
    assert (checked.intact, checked.pruned) == (True, sum(taken.pruned.values()))
    assert not pruned(past, before).done  # nothing is left to take


def test_retention_says_in_the_chain_who_took_what_and_why(past: Lived) -> None:
    surveyed(past, 0)
    past.world.clock.advance(60)
    surveyed(past, 0)
    past.world.clock.advance(60)
    before = past.services.clock.now()
    head = pruned(past, before).head
    with past.services.storage.read() as uow:
        (record,) = uow.evidence.records(kinds=(RecordKind.RETENTION,))
        empty = {
            (each.writer, each.sequence)
            for each in uow.evidence.records()
            if each.payload is None
        }
    assert record.hash == head
    assert isinstance(record.payload, dict)
    assert record.payload["by"] == "A. Manager"
    assert record.payload["reason"] == "rule 7"
    assert record.payload["account"] == past.services.account
    spans = record.payload["records"]
    assert isinstance(spans, list)
    named = {
        (writer, number)
        for writer, first, last in spans
        for number in range(first, last + 1)
    }
    assert named == empty


def test_a_horizon_to_come_is_refused(past: Lived) -> None:
    with pytest.raises(RequestError) as caught:
        pruned(past, past.services.clock.now() + timedelta(minutes=1))
    assert caught.value.problem.code is ErrorCode.BAD_INPUT


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=200)
@given(history=histories)
def test_every_past_answer_is_the_one_that_was_given_then(
    history: list[tuple[str, int]],
) -> None:
    with TemporaryDirectory() as folder, lived(Path(folder)) as made:
        made.ask()
        for event, number in history:
            EVENTS[event](made, number)
            made.ask()
        for answer in made.said:
            again = as_of(made, answer.data.as_of)
            assert plain(again) == plain(answer)


@pytest.mark.slow
@pytest.mark.timeout(600)
@settings(max_examples=60)
@given(history=histories, place=st.integers(0, 5))
def test_retention_changes_no_answer_after_its_horizon(
    history: list[tuple[str, int]], place: int
) -> None:
    with TemporaryDirectory() as folder, lived(Path(folder)) as made:
        made.ask()
        for event, number in history:
            EVENTS[event](made, number)
            made.ask()
        horizon = made.said[place % len(made.said)].data.as_of
        answers = [as_of(made, answer.data.as_of) for answer in made.said]
        taken = pruned(made, horizon)
        for answer in answers:
            moment = answer.data.as_of
            if taken.done and moment < horizon:
                with pytest.raises(RefusedError, match="pruned"):
                    as_of(made, moment)
            else:
                assert as_of(made, moment) == answer
        checked = bundle_of(made, Path(folder))
        assert checked.intact
        assert checked.pruned == sum(taken.pruned.values())
