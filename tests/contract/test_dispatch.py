"""Who may begin: fair between sites, and no limit exceeded, whoever dispatches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from orchestrator.application.plans import approve, plan
from orchestrator.application.ports.engine import Order
from orchestrator.application.ports.storage import Storage
from orchestrator.application.rollout.admission import start
from orchestrator.application.rollout.dispatch import Dispatch
from orchestrator.application.rollout.leases import server_of, server_resource
from orchestrator.application.rollout.turns import read_brief
from orchestrator.application.rollout.waiting import Waiting
from orchestrator.application.services import Services
from orchestrator.application.survey import survey
from orchestrator.domain.planning import Activation, PlanPolicy
from orchestrator.domain.selection import Selection
from orchestrator.domain.server import Link, Site
from tests.fakes.estate import ARTICLE, World, spread, world
from tests.fixtures.storage import Opener, at_once

#: Everything in one wave.
WIDE = PlanPolicy(activation=Activation.RESTART_SERVICE, growth=(100,))
SITES = {
    Site("big"): ("a1", "a2", "a3", "a4"),
    Site("late"): ("z1", "z2"),
    Site("small"): ("b1",),
}
NAMES = [name for names in SITES.values() for name in names]


@dataclass(frozen=True, slots=True)
class Stage:
    """A run that has begun nothing."""

    made: World
    run: str

    def dispatch(self, services: Services | None = None) -> Dispatch:
        """One conductor's view of it."""
        services = services or self.made.services
        with services.storage.read() as uow:
            run = uow.runs.find(self.run)
            assert run is not None
            brief = read_brief(services, uow, run.plan)
        return Dispatch(services, run, brief.plan, brief.estate)

    def begin(self, dispatch: Dispatch, room: int) -> list[str]:
        """The servers that a round lets begin, in its order."""
        with dispatch.services.storage.read() as uow:
            begun = {server_of(lease.resource) for lease in uow.runs.leases()}
        waiting = Waiting(
            (one for one in dispatch.plan.servers() if one.server not in begun),
            dispatch.estate.inventory,
        )
        return [order.server for order in dispatch.begin(waiting, room)[0]]


def stage(
    made: World, sites: Mapping[Site, Sequence[str]], links: Sequence[Link] = ()
) -> Stage:
    """The world's servers at these sites, planned, approved and admitted."""
    spread(made, sites, links)
    survey(made.services, Selection())
    name = plan(made.services, ARTICLE, Selection(), WIDE).data.plan
    approve(made.services, name, by="A. Manager", reason="change 1")
    return Stage(made, start(made.services, name).name)


def test_no_site_waits_until_another_is_done(storage: Storage) -> None:
    with world(storage, NAMES) as made:
        staged = stage(made, SITES)
        dispatch = staged.dispatch()
        at = dispatch.estate.inventory.servers
        first = staged.begin(dispatch, 3)
        assert {at[name].site for name in first} == {"big", "late", "small"}
        second = staged.begin(dispatch, 2)
        assert {at[name].site for name in second} == {"big", "late"}
        assert {at[name].site for name in staged.begin(dispatch, 9)} == {"big"}


def test_a_round_begins_no_more_than_there_is_room_for(storage: Storage) -> None:
    with world(storage, NAMES) as made:
        staged = stage(made, SITES)
        dispatch = staged.dispatch()
        assert staged.begin(dispatch, 0) == []
        assert len(staged.begin(dispatch, 2)) == 2


def test_a_full_site_waits_and_others_go(storage: Storage) -> None:
    narrow = {Site("big", max_concurrent=1): SITES[Site("big")]}
    others = {site: names for site, names in SITES.items() if site.name != "big"}
    with world(storage, NAMES) as made:
        staged = stage(made, {**narrow, **others})
        begun = staged.begin(staged.dispatch(), 9)
        assert sum(name.startswith("a") for name in begun) == 1
        assert len(begun) == 4


def test_sites_that_share_a_link_share_its_limit(storage: Storage) -> None:
    with world(storage, NAMES) as made:
        wan = Link("wan", ("big", "late"), 2)
        staged = stage(made, SITES, [wan])
        begun = staged.begin(staged.dispatch(), 9)
        assert {"b1"} < set(begun)
        assert len(begun) == 3


def test_room_at_a_site_comes_back_with_the_lease(storage: Storage) -> None:
    with world(storage, ["a1", "a2"]) as made:
        staged = stage(made, {Site("big", max_concurrent=1): ("a1", "a2")})
        dispatch = staged.dispatch()
        (first,) = staged.begin(dispatch, 9)
        assert staged.begin(dispatch, 9) == []
        with storage.begin() as uow:
            uow.runs.release_lease(server_resource(first), made.services.owner)
        assert len(staged.begin(dispatch, 9)) == 1


def test_limits_hold_across_dispatchers_of_two_processes(
    storage: Storage, open_again: Opener
) -> None:
    """Eight conductors at once, over two connections, want all of two sites."""
    names = [f"a{number}" for number in range(8)]
    site, wan = Site("big", max_concurrent=3), Link("wan", ("big", "late"), 4)
    with world(storage, [*names, "z1", "z2"]) as made:
        staged = stage(made, {site: names, Site("late"): ("z1", "z2")}, [wan])
        storages = (storage, open_again())
        dispatches = [
            staged.dispatch(
                replace(
                    made.services, storage=storages[number % 2], owner=f"proc{number}"
                )
            )
            for number in range(8)
        ]

        def one_round(number: int) -> list[Order]:
            dispatch = dispatches[number]
            everyone = dispatch.plan.servers()
            waiting = Waiting(everyone, dispatch.estate.inventory)
            return dispatch.begin(waiting, 9)[0]

        begun = [order for orders in at_once(8, one_round) for order in orders]
        assert len({order.server for order in begun}) == len(begun) == 4
        assert sum(order.site == "big" for order in begun) <= 3
