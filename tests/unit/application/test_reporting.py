"""What a report shows beside the verdicts, from an estate in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from orchestrator.application.apply import apply
from orchestrator.application.audit import AuditReport, audit
from orchestrator.application.history_of_verdicts import verdicts_recorded
from orchestrator.application.judging import find_hotfix, load_estate
from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.storage import Storage
from orchestrator.application.reporting import (
    ExposureLink,
    Surroundings,
    exposure_links,
    surroundings,
)
from orchestrator.application.survey import survey
from orchestrator.domain.evidence import RecordKind
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.selection import Selection, parse_selection
from orchestrator.domain.server import ExternalPeer, Firewall, Protection
from orchestrator.domain.symptom import Cure, Sample
from orchestrator.domain.verdict import Verdict
from tests.fakes.clock import FakeClock
from tests.fakes.estate import ARTICLE, OLD, PATH, World, world

ALL = Selection()
DAY = 24 * 3600.0  # seconds
HOUR = timedelta(hours=1)


@pytest.fixture
def estate(sqlite_storage: Storage, clock: FakeClock) -> Iterator[World]:
    """Three leaking front ends of one pool, and a proxy in none; one clock for all."""
    names = ["fe1", "fe2", "fe3", "proxy"]
    with world(sqlite_storage, names, alone=["proxy"], clock=clock) as made:
        yield made


def audited(made: World) -> AuditReport:
    """The audit after a survey."""
    survey(made.services, ALL)
    return audit(made.services, ARTICLE, ALL).data


def looked(made: World) -> Surroundings:
    """Survey, audit, and what belongs beside it."""
    survey(made.services, ALL)
    return surroundings(made.services, audit(made.services, ARTICLE, ALL).data)


def cured(made: World) -> str:
    """Everything installed and activated; the run's name."""
    survey(made.services, ALL)
    policy = PlanPolicy(activation=Activation.RESTART_SERVICE)
    name = plan(made.services, ARTICLE, ALL, policy).data.plan
    approve(made.services, name, by="A. Manager", reason="change 1")
    return apply(made.services, name).data.run


def test_before_any_run_there_is_none_to_show(estate: World) -> None:
    assert looked(estate).run is None


def test_the_newest_run_of_the_article_is_shown(estate: World) -> None:
    run = cured(estate)
    found = looked(estate).run
    assert found is not None
    assert found.run == run
    assert len(found.outcomes) == 4


def test_each_look_is_a_point_and_a_day_open_is_a_day_of_exposure(
    estate: World,
) -> None:
    looked(estate)
    estate.clock.advance(DAY)
    cured(estate)
    estate.clock.advance(DAY)
    found = audited(estate).compliance
    assert [(one.open, one.settled) for one in found.burn_down] == [(4, 0), (0, 4)]
    assert set(found.exposure_hours) == {"fe1", "fe2", "fe3", "proxy"}
    for hours in found.exposure_hours.values():
        # Nobody looked after the run before the second day was over.
        assert hours == pytest.approx(48, abs=1)
    assert found.projection.why == "no server is open"


def test_a_server_whose_file_went_back_has_drifted(estate: World) -> None:
    cured(estate)
    looked(estate)
    estate.clock.advance(DAY)
    estate.hosts["fe2"].files[PATH] = OLD
    found = audited(estate).compliance
    assert [one.server for one in found.drift] == ["fe2"]


def test_only_the_verdicts_of_this_article_are_read(estate: World) -> None:
    looked(estate)
    now = estate.clock.now()
    with estate.services.storage.read() as uow:
        read = list(verdicts_recorded(uow, ARTICLE, now))
        assert list(verdicts_recorded(uow, "KB1", now)) == []
    assert {(one.server, one.verdict) for one in read} == {
        (name, Verdict.NEEDED) for name in ("fe1", "fe2", "fe3", "proxy")
    }


def test_servers_that_were_not_asked_about_have_no_hours(estate: World) -> None:
    looked(estate)
    found = audit(estate.services, ARTICLE, parse_selection("fe1")).data
    assert list(found.compliance.exposure_hours) == ["fe1"]


def test_a_verdict_is_recorded_once_and_each_look_says_what_it_found_again(
    estate: World,
) -> None:
    survey(estate.services, ALL)
    audits = []
    for _ in range(3):
        audits.append(audit(estate.services, ARTICLE, ALL).data)
        estate.clock.advance(DAY / 4)
    with estate.services.storage.read() as uow:
        verdicts = list(uow.evidence.records(kinds=(RecordKind.VERDICT,)))
        looks = [
            record.payload for record in uow.evidence.records(kinds=(RecordKind.AUDIT,))
        ]
    names = ["fe1", "fe2", "fe3", "proxy"]
    assert sorted(record.subject for record in verdicts) == names
    assert looks == [
        {"article": ARTICLE, "unchanged": []},
        *[{"article": ARTICLE, "unchanged": names}] * 2,
    ]
    assert [len(each.compliance.burn_down) for each in audits] == [1, 2, 3]


def links_of(made: World) -> list[ExposureLink]:
    """The links after the estate got peers and a firewall."""
    with made.services.storage.begin() as uow:
        known = uow.inventory.load()
        servers = {
            name: replace(server, mtls_peers=("partner", "proxy"))
            for name, server in known.servers.items()
            if name != "proxy"
        }
        servers["proxy"] = replace(
            known.servers["proxy"], mtls_peers=("pool:pool-1", "nobody")
        )
        uow.inventory.save(
            replace(
                known,
                servers=servers,
                external_peers={"partner": ExternalPeer("partner", Protection.OFF)},
                firewalls=(Firewall("edge", ("site-1", "partner"), Protection.ON),),
            )
        )
    survey(made.services, ALL)
    now = made.clock.now()
    with made.services.storage.read() as uow:
        estate = load_estate(uow, find_hotfix(uow, ARTICLE), now)
    return list(exposure_links(estate, set(estate.inventory.servers)))


def test_exposure_is_drawn_pool_by_pool_and_the_worst_comes_first(
    estate: World,
) -> None:
    found = links_of(estate)
    told = {(one.opener, one.stop): (one.protection, one.pairs) for one in found}
    assert told["pool-1", "firewall edge"] == (Protection.ON, 3)
    assert told["pool-1", "partner"] == (Protection.OFF, 3)
    assert told["proxy", "nobody"] == (Protection.UNKNOWN, 1)
    assert told["proxy", "pool-1"][1] == 3
    order = [Protection.ON, Protection.UNKNOWN, Protection.OFF]
    places = [order.index(one.protection) for one in found]
    assert places == sorted(places)


def samples_from(started: datetime, hourly: int) -> list[Sample]:
    """A life of the service that was looked at every ten minutes for half a day."""
    steps = [timedelta(minutes=10 * number) for number in range(72)]
    return [
        Sample("RTCSRV", started + step, 7, started, int(hourly * (step / HOUR)))
        for step in steps
    ]


def test_a_leak_that_was_watched_is_compared_before_against_after(
    estate: World,
) -> None:
    begun = estate.clock.now()
    estate.clock.advance(DAY)
    cured(estate)
    restarted = estate.clock.now() + HOUR
    estate.clock.advance(DAY)
    with estate.services.storage.begin() as uow:
        uow.facts.put_samples("fe1", samples_from(begun, 9_000_000))
        uow.facts.put_samples("fe1", samples_from(restarted, 10))
    [leak] = looked(estate).leaks
    assert (leak.server, leak.comparison.cure) == ("fe1", Cure.CURED)
    assert leak.comparison.before.slope == pytest.approx(9_000_000)


def test_servers_that_were_only_surveyed_have_no_leaks_to_show(estate: World) -> None:
    assert looked(estate).leaks == ()
