"""Plans of an estate that changes in any order: hypothesis looks for one that breaks.

What a plan promises is said here a second time, in counts of the test's own. Pools,
sites and links bind when a server is dispatched, not when waves are cut, so each plan
is also worked through under the rules that dispatch asks.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from orchestrator.domain.availability import Away, Places, pool_full
from orchestrator.domain.planning import (
    Activation,
    Candidate,
    Plan,
    PlannedServer,
    PlanPolicy,
    Scope,
    make_plan,
)
from orchestrator.domain.remediation import Action
from orchestrator.domain.server import Inventory, Link, Pool, Role, Site
from orchestrator.domain.verdict import Verdict
from tests.unit.domain.candidates import candidate
from tests.unit.domain.values import HOTFIX

SITES = ("oslo", "bergen")
POOLS = ("p", "q")
#: Of a needed, an unaffected, an unactivated, a compliant, a blocked and unclear ones.
WORDS = (
    "",
    "peer=off",
    "peer=external-unknown",
    "file=exact own=-48h",
    "file=exact",
    "file=exact own=-300h",
    "package=none",
    "os=sp2",
    "-os",
)
V = Verdict
#: What may be done to a verdict, and the policy that it takes.
MAY = {
    (V.NEEDED, Action.INSTALL): PlanPolicy(),
    (V.NOT_AFFECTED, Action.INSTALL): PlanPolicy(Scope.APPLICABLE),
    (V.INDETERMINATE, Action.INSTALL): PlanPolicy(Scope.APPLICABLE),
    (V.INSTALLED_NOT_ACTIVE, Action.ACTIVATE): PlanPolicy(
        activation=Activation.RESTART_SERVICE
    ),
    (V.INDETERMINATE, Action.ACTIVATE): PlanPolicy(
        activation=Activation.RESTART_SERVICE
    ),
}
#: Counts, and whole percents as negative numbers, so that they are exact.
SIZES = st.integers(1, 4) | st.integers(-99, -1)
LIMITS = st.integers(1, 3)


def allowed(entry: PlannedServer, policy: PlanPolicy) -> bool:
    """Whether the policy lets this be done to a server with this verdict."""
    least = MAY.get((entry.basis.verdict, entry.action))
    if least is None:
        return False
    scope = least.scope is Scope.AFFECTED or policy.scope is least.scope
    return scope and (
        least.activation is Activation.LEAVE or policy.activation is least.activation
    )


@dataclass(slots=True)
class Estate:
    """Everything that rules change, and what may go of it by the limits."""

    servers: dict[str, Candidate] = field(default_factory=dict)
    pools: dict[str, Pool] = field(
        default_factory=lambda: {name: Pool(name, "oslo") for name in POOLS}
    )
    sites: dict[str, Site] = field(
        default_factory=lambda: {name: Site(name) for name in SITES}
    )
    link: Link = field(default_factory=lambda: Link("wan", SITES, 3))
    away: set[str] = field(default_factory=set)
    sizes: list[int] = field(default_factory=lambda: [1, -5, -25])
    policy: PlanPolicy = field(default_factory=PlanPolicy)

    def plan(self, order: list[Candidate]) -> Plan:
        growth = tuple(size if size > 0 else -size / 100 for size in self.sizes)
        return make_plan(HOTFIX, order, self.pools, replace(self.policy, growth=growth))

    def places(self) -> Places:
        servers = {name: one.server for name, one in self.servers.items()}
        return Places(Inventory(servers, sites=self.sites, links=(self.link,)))

    def away_of(self, pool: str, busy: set[str]) -> list[Away]:
        return [
            Away(name, "away")
            for name in sorted((busy | self.away) & set(self.servers))
            if self.servers[name].server.pool == pool
        ]

    def at(self, busy: set[str]) -> Counter[str]:
        return Counter(self.servers[name].server.site for name in busy)


class PlanMachine(RuleBasedStateMachine):
    """An estate whose servers come, go and change; each state of it is planned."""

    names = Bundle[str]("names")

    def __init__(self) -> None:
        super().__init__()
        self.estate = Estate()
        self.count = 0
        #: What each digest has stood for.
        self.named: dict[str, object] = {}

    @initialize(
        target=names,
        places=st.lists(
            st.tuples(st.sampled_from(SITES), st.sampled_from((None, *POOLS))),
            min_size=4,
            max_size=9,
        ),
    )
    def begin(self, places: list[tuple[str, str | None]]) -> MultipleResults[str]:
        """With some that need the fix, or waves and limits would seldom be met."""
        added = [self.add_one("", site, Role.FRONT_END, pool) for site, pool in places]
        return multiple(*added)

    def change(self, name: str, changed: Candidate) -> None:
        self.estate.servers[name] = changed

    @rule(
        target=names,
        words=st.sampled_from(WORDS),
        site=st.sampled_from(SITES),
        role=st.sampled_from((Role.FRONT_END, Role.PROXY)),
        pool=st.sampled_from((None, *POOLS, "strange")),
    )
    def add(self, words: str, site: str, role: Role, pool: str | None) -> str:
        return self.add_one(words, site, role, pool)

    def add_one(self, words: str, site: str, role: Role, pool: str | None) -> str:
        self.count += 1
        # Names that do not sort as they come.
        name = f"s{self.count * 7 % 10}-{self.count}"
        self.change(name, candidate(name, words, site=site, role=role, pool=pool))
        return name

    @rule(name=consumes(names))
    def remove(self, name: str) -> None:
        del self.estate.servers[name]

    @rule(chance=st.randoms(use_true_random=False))
    def plan_in_another_order(self, chance: Random) -> None:
        servers = list(self.estate.servers.values())
        made = self.estate.plan(servers)
        chance.shuffle(servers)
        assert self.estate.plan(servers) == made

    @rule(name=names, words=st.sampled_from(WORDS))
    def judge_anew(self, name: str, words: str) -> None:
        judged = candidate(name, words).judgement
        self.change(name, replace(self.estate.servers[name], judgement=judged))

    @rule(name=names, leak=st.integers(0, 3))
    def measure(self, name: str, leak: int) -> None:
        self.change(name, replace(self.estate.servers[name], leak=float(leak)))

    @rule(name=names, waived=st.sampled_from(("", "waived by A", "waived by B")))
    def waive(self, name: str, waived: str) -> None:
        self.change(name, replace(self.estate.servers[name], waived=waived))

    @rule(name=names)
    def take_away_or_bring_back(self, name: str) -> None:
        self.estate.away ^= {name}

    @rule(pool=st.sampled_from(POOLS), limit=LIMITS)
    def size_pool(self, pool: str, limit: int) -> None:
        self.estate.pools[pool] = Pool(pool, "oslo", limit)

    @rule(site=st.sampled_from(SITES), limit=st.none() | LIMITS)
    def limit_site(self, site: str, limit: int | None) -> None:
        self.estate.sites[site] = Site(site, max_concurrent=limit)

    @rule(limit=LIMITS)
    def limit_link(self, limit: int) -> None:
        self.estate.link = replace(self.estate.link, max_concurrent=limit)

    @rule(sizes=st.lists(SIZES, max_size=4))
    def grow(self, sizes: list[int]) -> None:
        self.estate.sizes = sizes

    @rule(scope=st.sampled_from(Scope), activation=st.sampled_from(Activation))
    def decide(self, scope: Scope, activation: Activation) -> None:
        self.estate.policy = PlanPolicy(scope, activation)

    @invariant()
    def what_a_plan_promises_holds(self) -> None:
        servers = list(self.estate.servers.values())
        made = self.estate.plan(servers)
        assert self.estate.plan(servers[::-1]) == made
        self.one_digest_is_one_plan(made)
        self.each_server_stands_once(made)
        self.only_what_was_asked_for_is_done(made)
        self.waves_grow_as_asked(made)
        self.leaders_come_first(made)
        self.limits_hold_at_dispatch(made)

    def one_digest_is_one_plan(self, made: Plan) -> None:
        gone = [(each.server, each.verdict) for each in made.excluded]
        waves = [
            [(each.server, each.action, each.pool, each.basis) for each in wave.servers]
            for wave in made.waves
        ]
        content = (waves, gone, made.policy, made.pool_limits)
        assert self.named.setdefault(made.digest, content) == content

    def each_server_stands_once(self, made: Plan) -> None:
        planned = [each.server for each in made.servers()]
        excluded = [gone.server for gone in made.excluded]
        assert sorted(planned + excluded) == sorted(self.estate.servers)
        assert all(gone.reason for gone in made.excluded)

    def only_what_was_asked_for_is_done(self, made: Plan) -> None:
        for each in made.servers():
            assert not self.estate.servers[each.server].waived
            assert allowed(each, made.policy)
        for gone in made.excluded:
            waived = self.estate.servers[gone.server].waived
            assert gone.verdict is not V.NEEDED or gone.reason == waived != ""

    def waves_grow_as_asked(self, made: Plan) -> None:
        left = total = len(made.servers())
        asked = [
            size if size > 0 else -(size * total // 100) for size in self.estate.sizes
        ]
        sizes = []
        for size in (*asked, total):
            if left:
                sizes.append(min(size, left))
                left -= sizes[-1]
        assert [len(wave.servers) for wave in made.waves] == sizes

    def leaders_come_first(self, made: Plan) -> None:
        order = [self.estate.servers[each.server] for each in made.servers()]
        kinds = [(one.server.site, one.server.role) for one in order]
        assert len(set(kinds[: len(set(kinds))])) == len(set(kinds))
        assert not order or order[0].leak == max(one.leak for one in order)

    def limits_hold_at_dispatch(self, made: Plan) -> None:
        estate, places = self.estate, self.estate.places()
        for wave in made.waves:
            waiting, busy = list(wave.servers), set[str]()
            while waiting:
                for each in tuple(waiting):
                    if self.may_go(made, places, each, busy):
                        busy.add(each.server)
                        waiting.remove(each)
                        self.nothing_is_over_its_limit(made, each, busy)
                if not busy:
                    break
                busy.pop()
            # Only pools hold up a server that nobody is at work beside.
            for each in waiting:
                assert each.pool is not None
                away = estate.away_of(each.pool, {each.server})
                assert len(away) > made.pool_limits[each.pool]

    def may_go(
        self, made: Plan, places: Places, each: PlannedServer, busy: set[str]
    ) -> bool:
        if places.full(each.server, places.count(busy)):
            return False
        if each.pool is None:
            return True
        away = self.estate.away_of(each.pool, busy)
        limit = made.pool_limits[each.pool]
        return pool_full(each.pool, limit, away, each.server) is None

    def nothing_is_over_its_limit(
        self, made: Plan, gone: PlannedServer, busy: set[str]
    ) -> None:
        if gone.pool:
            pool = self.estate.pools.get(gone.pool, Pool(gone.pool, ""))
            assert made.pool_limits[gone.pool] == pool.max_unavailable
            away = self.estate.away_of(gone.pool, busy)
            assert len(away) <= pool.max_unavailable
        at = self.estate.at(busy)
        assert at.total() <= self.estate.link.max_concurrent
        for name, site in self.estate.sites.items():
            assert site.max_concurrent is None or at[name] <= site.max_concurrent


PlanMachine.TestCase.settings = settings(max_examples=80, stateful_step_count=30)
TestPlanMachine = PlanMachine.TestCase
