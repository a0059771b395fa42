"""Cases written as words: ``case_of("file=exact own=-48h svc=-1h")``.

Without a word a server is unfixed, exposed, and may be changed: ``needed``. Each word
changes one thing. Times are hours before the judgement. ``-os``, ``~os``, ``@os`` and
``!os`` make any fact never read, stale, exactly as old as allowed, or unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from orchestrator.domain.effect import OwnRecord
from orchestrator.domain.exposure import AssumedPeers, Shield, Topology, observed_shield
from orchestrator.domain.facts import (
    FactKey,
    FactKind,
    FactSet,
    FactValue,
    FreeSpace,
    FreshFacts,
    InstallerLog,
    Observation,
    OperatingSystem,
    PendingRename,
    PendingRenames,
    Product,
    ServiceState,
    SynProtection,
    TraceName,
    TraceState,
    Unreadable,
    trace_subject,
)
from orchestrator.domain.hotfix import (
    ExposureRule,
    Hotfix,
    NoPackage,
    Package,
    Platform,
    choose_package,
)
from orchestrator.domain.server import (
    ExternalPeer,
    Firewall,
    Inventory,
    Pool,
    Protection,
    Server,
)
from orchestrator.domain.symptom import Leak, Symptom
from orchestrator.domain.verdict import FACT_LIMIT, Case
from orchestrator.domain.version import Branch
from tests.unit.domain.values import (
    ARTICLE,
    DENIED,
    DLL,
    FILES,
    HOTFIX,
    NEEDED_BYTES,
    NOW,
    PEERS,
    SERVICE,
    WOW,
    file,
    hours_ago,
    package,
    row,
    server,
    service,
    system,
    table,
)

FACTS: Mapping[str, FactKey] = {
    "os": (FactKind.OPERATING_SYSTEM, ""),
    "product": (FactKind.PRODUCT, ""),
    "file": (FactKind.FILE, DLL),
    "file2": (FactKind.FILE, WOW),
    "log": (FactKind.INSTALLER_LOG, ARTICLE),
    "syn": (FactKind.SYN_PROTECTION, ""),
    "renames": (FactKind.PENDING_RENAMES, ""),
    "space": (FactKind.FREE_SPACE, ""),
    "svc": (FactKind.SERVICE, SERVICE),
    "svc2": (FactKind.SERVICE, "RTCLOG"),
    **{
        name.value: (FactKind.TRACE, trace_subject(ARTICLE, name)) for name in TraceName
    },
}


@dataclass
class Draft:
    """A case in the making."""

    hotfix: Hotfix = HOTFIX
    server: Server = field(default_factory=server)
    values: dict[FactKey, FactValue | Unreadable] = field(default_factory=dict)
    ages: dict[FactKey, timedelta] = field(default_factory=dict)
    own: OwnRecord = field(default_factory=OwnRecord)
    symptom: Symptom = field(default_factory=Symptom)
    packages: tuple[Package, ...] = (
        package(),
        package("X-KB900001-x64-ENU.exe", platform=Platform.X64),
        package("X-KB900001-ia64-ENU.exe", platform=Platform.IA64),
    )
    peers: dict[str, Server] = field(default_factory=dict)
    peer_facts: FactSet = field(default_factory=FactSet)
    external: dict[str, ExternalPeer] = field(default_factory=dict)
    firewalls: tuple[Firewall, ...] = ()
    assume: AssumedPeers | None = None
    limit: timedelta = FACT_LIMIT

    def set(self, name: str, value: FactValue) -> None:
        self.values[FACTS[name]] = value


def baseline() -> Draft:
    """Unfixed, exposed, nothing in the way."""
    draft = Draft()
    for name, value in (
        ("os", system()),
        ("product", Product("lcs-2005-sp1")),
        ("file", file("5.2.3790.1830")),
        ("log", InstallerLog(exists=False)),
        ("syn", SynProtection(None)),
        ("renames", PendingRenames()),
        ("space", FreeSpace(NEEDED_BYTES)),
        ("svc", service()),
    ):
        draft.set(name, value)
    for trace in TraceName:
        draft.set(trace.value, TraceState(present=False))
    _peer(draft, "on")
    return draft


def _os(draft: Draft, what: str) -> None:
    draft.set(
        "os",
        {
            "sp0": system(service_pack=0),
            "sp2": system(service_pack=2),
            "win2000": system(version="5.0.2195"),
            "win2008": system(version="6.0.6001"),
            "x64": system(platform=Platform.X64),
            "ia64": system(platform=Platform.IA64),
            "german": system(language="DEU"),
            "no-language": system(language=None),
            "fresh-boot": system(boot_time=NOW - timedelta(hours=1)),
        }[what],
    )


def _tables(draft: Draft, what: str) -> None:
    tables = {
        "none": None,
        "x64": table(row(platform=Platform.X64)),
        "sp2": table(row(service_pack=2)),
        "any-sp": table(row(service_pack=None)),
        "two": table(row(), row(path=WOW)),
        "gdr+qfe": table(row(), row("5.2.3790.2600", Branch.GDR)),
        "lower-gdr": table(row(), row("5.2.3790.2400", Branch.GDR)),
        "gdr": table(row(branch=Branch.GDR)),
    }
    draft.hotfix = replace(draft.hotfix, file_table=tables[what])


def _peer(draft: Draft, what: str) -> None:
    """The one peer of the server, by what is known of it."""
    draft.peers, draft.external = {"peer1": server("peer1", peers=())}, {}
    draft.peer_facts = FactSet()
    if what in PEERS:
        draft.peer_facts = _observed(*PEERS[what])
    if what == "retired":
        draft.peers = {"peer1": replace(draft.peers["peer1"], retired=True)}
    elif what == "unlisted":
        draft.peers = {}
    elif what == "none":
        draft.server = server(peers=())
    elif what.endswith("-pool"):
        pool = {"own-pool": "pool:pool1", "empty-pool": "pool:pool2"}[what]
        draft.server, draft.peers = server(peers=(pool,)), {}
    elif what.startswith("external-"):
        state = Protection(what.removeprefix("external-"))
        draft.peers = {}
        draft.external = {"peer1": ExternalPeer("peer1", state)}


def _observed(
    host: OperatingSystem | Unreadable, syn: SynProtection | Unreadable, age: timedelta
) -> FactSet:
    at = NOW - age
    return FactSet.of(
        (
            Observation(FactKind.OPERATING_SYSTEM, host, "test", at),
            Observation(FactKind.SYN_PROTECTION, syn, "test", at),
        )
    )


def _wall(draft: Draft, what: str) -> None:
    draft.firewalls = (Firewall("fw1", ("fe1", "peer1"), Protection(what)),)


def _symptom(draft: Draft, what: str) -> None:
    draft.symptom = Symptom(Leak(what), slope=4096.0)


def _rename(draft: Draft, what: str) -> None:
    dll = r"\??\C:\WINDOWS\system32\schannel.dll"
    operations = {
        "target": PendingRename(r"\??\C:\temp\new.dll", dll),
        "target!": PendingRename(r"\??\C:\temp\new.dll", f"!{dll}"),
        "target-case": PendingRename(r"\??\C:\temp\new.dll", "!" + dll.upper()),
        "deletion": PendingRename(r"\??\C:\WINDOWS\system32\old.tmp", ""),
        "delete-file": PendingRename(dll, ""),
        "other": PendingRename(r"\??\C:\a", r"\??\C:\WINDOWS\system32\other.dll"),
        "file2": PendingRename(r"\??\C:\a", r"\??\C:\WINDOWS\SysWOW64\schannel.dll"),
    }
    draft.set("renames", PendingRenames((operations[what],)))


def _log(draft: Draft, what: str) -> None:
    how, _, when = what.partition("@")
    ended = hours_ago(when) if when else None
    draft.set("log", InstallerLog(True, ended, ended, succeeded=how == "ok"))


def _service(draft: Draft, what: str, name: str = "svc") -> None:
    state, _, when = what.partition("@")
    if state == "gone":
        draft.set(name, ServiceState(exists=False))
        return
    started = hours_ago(when) if when else None
    draft.set(name, service(state.replace("-", " "), started))


def _service2(draft: Draft, what: str) -> None:
    draft.hotfix = replace(draft.hotfix, services=(SERVICE, "RTCLOG"))
    if what != "never":
        _service(draft, what, "svc2")


def _folder(draft: Draft, what: str) -> None:
    state = TraceState(present=True, created=hours_ago(what))
    draft.set(TraceName.UNINSTALL_FOLDER.value, state)


def _packages(draft: Draft, what: str) -> None:
    draft.packages = {
        "none": (),
        "unpinned": (package(pinned=False),),
        "german": (package(language="DEU"),),
        "any-language": (package(language=None),),
        "x64": (package(platform=Platform.X64),),
        "sp2": (package(service_pack=2),),
    }[what]


def _hotfix(draft: Draft, what: str) -> None:
    draft.hotfix = {
        "restart": replace(draft.hotfix, restart_required=True),
        "always": replace(draft.hotfix, exposure=ExposureRule.ALWAYS),
        "any-product": replace(draft.hotfix, products=()),
        "no-services": replace(draft.hotfix, services=()),
    }[what]


def _own(draft: Draft, **changes: datetime | bool) -> None:
    draft.own = replace(draft.own, **changes)  # type: ignore[arg-type] # by the words


def _file2(draft: Draft, what: str) -> None:
    _tables(draft, "two")
    if what != "never":
        draft.set("file2", FILES[what])


WORDS: Mapping[str, Callable[[Draft, str], None]] = {
    "os": _os,
    "product": lambda draft, what: draft.set("product", Product(what or None)),
    "file": lambda draft, what: draft.set("file", FILES[what]),
    "file2": _file2,
    "table": _tables,
    "peer": _peer,
    "wall": _wall,
    "assume": lambda draft, what: setattr(draft, "assume", AssumedPeers(what)),
    "symptom": _symptom,
    "rename": _rename,
    "log": _log,
    "svc": _service,
    "svc2": _service2,
    "folder": _folder,
    "trace": lambda draft, what: draft.set(what, TraceState(present=True)),
    "package": _packages,
    "hotfix": _hotfix,
    "space": lambda draft, what: draft.set("space", FreeSpace(int(what))),
    "own": lambda draft, what: _own(
        draft, installed_at=hours_ago(what), says_installed=True
    ),
    "own-says": lambda draft, what: _own(draft, says_installed=what == "yes"),
    "right": lambda draft, what: _own(draft, first_right=hours_ago(what)),
    "wrong": lambda draft, what: _own(draft, last_wrong=hours_ago(what)),
    "limit": lambda draft, what: setattr(
        draft, "limit", timedelta(hours=float(what.removesuffix("h")))
    ),
}


def _mark(draft: Draft, mark: str, name: str) -> None:
    if name == "all":
        for known in [known for known in FACTS if FACTS[known] in draft.values]:
            _mark(draft, mark, known)
        return
    key = FACTS[name]
    match mark:
        case "-":
            draft.values.pop(key, None)
        case "~":
            draft.ages[key] = draft.limit + timedelta(seconds=1)
        case "@":
            draft.ages[key] = draft.limit
        case _:
            draft.values[key] = DENIED


def draft_of(words: str) -> Draft:
    """The draft that the words describe."""
    draft = baseline()
    for word in words.split():
        if word[0] in "-~@!":
            _mark(draft, word[0], word[1:])
        else:
            key, _, value = word.partition("=")
            WORDS[key](draft, value)
    return draft


def observations_of(draft: Draft) -> list[Observation]:
    """The facts of a draft as they were observed."""
    return [
        Observation(
            kind,
            value,
            "test",
            NOW - draft.ages.get((kind, subject), timedelta()),
            subject,
        )
        for (kind, subject), value in draft.values.items()
    ]


def topology_of(draft: Draft) -> Topology:
    """The graph of a draft."""
    inventory = Inventory(
        servers={draft.server.name: draft.server, **draft.peers},
        pools={name: Pool(name, "oslo") for name in ("pool1", "pool2")},
        firewalls=draft.firewalls,
        external_peers=draft.external,
    )
    fresh = FreshFacts(draft.peer_facts, NOW, draft.limit)
    shields: dict[str, Shield] = {}
    if draft.peers and draft.peer_facts.observations:
        shields["peer1"] = observed_shield("peer1", fresh)
    return Topology(inventory, shields, draft.assume)


def finish(draft: Draft, observations: list[Observation] | None = None) -> Case:
    """The case of a draft."""
    facts = FactSet.of(observations_of(draft) if observations is None else observations)
    return Case(
        hotfix=draft.hotfix,
        server=draft.server,
        facts=facts,
        exposure=topology_of(draft).exposure_of(draft.hotfix, draft.server),
        package=_package_of(draft),
        now=NOW,
        own=draft.own,
        symptom=draft.symptom,
        fact_limit=draft.limit,
    )


def _package_of(draft: Draft) -> Package | NoPackage:
    host = draft.values.get(FACTS["os"])
    if not isinstance(host, OperatingSystem):
        return NoPackage("platform and language are not known yet")
    return choose_package(
        draft.packages,
        platform=host.platform,
        language=host.language,
        service_pack=host.service_pack,
    )


def case_of(words: str) -> Case:
    """The case that the words describe."""
    return finish(draft_of(words))
