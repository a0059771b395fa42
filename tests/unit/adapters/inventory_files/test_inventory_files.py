"""Inventory files in, Ansible out."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.adapters.inventory_files.ansible import to_ansible
from orchestrator.adapters.inventory_files.reader import read_inventory
from orchestrator.adapters.inventory_files.schema import inventory_schema
from orchestrator.application.ports.files import BadInputError
from orchestrator.domain.server import Endpoint, Inventory, Link, Protection, Role

ROOT = Path(__file__).parents[4]
SAMPLE = ROOT / "inventory" / "sample-estate.yml"

SMALL = """\
sites: [{name: north}, {name: south}]
pools: [{name: p1, site: north}]
external_peers: [{name: partner}]
servers:
  - {name: a1, pool: p1, role: front-end, product: lcs-2005}
  - {name: b1, site: south, role: proxy, product: lcs-2005}
"""


def read(folder: Path, text: str, name: str = "i.yml") -> Inventory:
    (folder / name).write_text(text)
    return read_inventory(folder / name)


def problems(folder: Path, text: str, name: str = "i.yml") -> list[str]:
    with pytest.raises(BadInputError) as caught:
        read(folder, text, name)
    return [str(problem) for problem in caught.value.problems]


def test_the_sample_estate_is_read_whole() -> None:
    estate = read_inventory(SAMPLE)
    assert len(estate.active()) == 6
    assert [server.name for server in estate.members("pool-hh")] == ["fe01", "fe02"]
    fe01 = estate.servers["fe01"]
    assert fe01.role is Role.FRONT_END
    assert fe01.site == "hamburg"
    assert fe01.endpoint == Endpoint("fe01.corp.example")
    assert fe01.labels == {"owner": "messaging", "rack": "A12"}
    assert estate.servers["edge01"].endpoint == Endpoint("192.0.2.10", 443, tls=True)
    assert estate.credential_of(fe01) == "lcs-admin"
    assert estate.firewalls[0].syn_protection is Protection.ON
    assert estate.external_peers["sip.partner.example"].syn_protection is (
        Protection.UNKNOWN
    )
    assert estate.windows[0].rrule == "FREQ=WEEKLY;BYDAY=SA"
    assert estate.freezes[0].applies_to == "site:hamburg"
    assert estate.links == (Link("wan-south", ("lisbon",), 2),)


def test_the_sample_csv_brings_its_sites_and_pools() -> None:
    estate = read_inventory(ROOT / "inventory" / "sample-servers.csv")
    assert set(estate.sites) == {"hamburg", "lisbon"}
    assert estate.pools["pool-hh"].site == "hamburg"
    assert estate.servers["fe01"].mtls_peers == ("lis01", "director01")
    assert estate.servers["fe01"].labels == {"owner": "messaging", "rack": "A12"}
    assert estate.servers["lis01"].endpoint == Endpoint(
        "lis01.corp.example", 443, tls=True
    )


def test_the_published_schema_is_current_and_takes_the_sample() -> None:
    published = json.loads((ROOT / "inventory" / "inventory.schema.json").read_text())
    assert published == inventory_schema(), (
        "write it anew: python -c 'import json; from "
        "orchestrator.adapters.inventory_files.schema import inventory_schema as s; "
        "print(json.dumps(s(), indent=2))' > inventory/inventory.schema.json"
    )
    # Read as YAML 1.1 tools read it: on and off are booleans there.
    sample = yaml.safe_load(SAMPLE.read_text())
    for part in (*sample["windows"], *sample["freezes"]):
        part.update({k: str(v) for k, v in part.items() if k in {"start", "end"}})
    jsonschema.validate(sample, published)


def test_the_schema_refuses_what_the_reader_refuses() -> None:
    bad = {"servers": [{"name": "a b;", "role": "proxy", "product": "x", "site": "s"}]}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(bad, inventory_schema())


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("on", Protection.ON),
        ("OFF", Protection.OFF),
        ("true", Protection.ON),
        ("false", Protection.OFF),
        ("unknown", Protection.UNKNOWN),
    ],
)
def test_syn_protection_may_be_written_as_yaml_tools_write_it(
    tmp_path: Path, typed: str, expected: Protection
) -> None:
    text = SMALL.replace(
        "{name: partner}", f"{{name: partner, syn_protection: {typed}}}"
    )
    assert read(tmp_path, text).external_peers["partner"].syn_protection is expected


def test_names_are_found_in_any_case_and_kept_in_their_own_spelling(
    tmp_path: Path,
) -> None:
    text = SMALL + (
        "  - {name: c1, fqdn: c1.example, site: South, role: other, product: x,"
        " mtls_peers: [A1, 'pool:P1', PARTNER, a1, C1.EXAMPLE]}\n"
    )
    server = read(tmp_path, text).servers["c1"]
    assert server.site == "south"
    assert server.mtls_peers == ("a1", "pool:p1", "partner", "c1")


def test_a_server_with_an_fqdn_alone_is_named_by_it(tmp_path: Path) -> None:
    text = SMALL + "  - {fqdn: c1.example, site: south, role: other, product: x}\n"
    assert read(tmp_path, text).servers["c1.example"].endpoint.address == "c1.example"


SERVER = "  - {name: c1, site: south, role: other, product: x"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (
            f"{SERVER}, port: 99999}}",
            "servers[2].port: found '99999', expected less than or equal to 65535",
        ),
        (
            f"{SERVER}, port: http}}",
            "servers[2].port: found 'http', expected a valid integer",
        ),
        (
            f"{SERVER}, prot: 80}}",
            (
                "servers[2].prot: found 'prot', expected a known field; did you mean "
                "'port'?"
            ),
        ),
        (
            f"{SERVER}, pool: p9}}",
            (
                "servers[2].pool: found 'p9', expected the name of a pool under "
                "'pools'; add it, or correct the name"
            ),
        ),
        (
            f"{SERVER}, pool: p1}}",
            (
                "servers[2].site: found 'south', expected 'north', the site of its "
                "pool 'p1'"
            ),
        ),
        (
            f"{SERVER}, mtls_peers: [a1, a9]}}",
            (
                "servers[2].mtls_peers[1]: found 'a9', expected a server, pool:NAME or "
                "external peer; add it, or correct the name"
            ),
        ),
        (
            f"{SERVER}, fqdn: A1}}",
            (
                "servers[2].fqdn: found 'A1', expected a name that server 'a1' does "
                "not have"
            ),
        ),
        (
            f"{SERVER}, credential: My Name}}",
            (
                "servers[2].credential: found 'My Name', expected up to 64 of a-z, 0-9 "
                "and hyphen"
            ),
        ),
        (
            f"{SERVER}, address: 'a b'}}",
            "servers[2].address: found 'a b', expected a DNS name or an IP address",
        ),
        (
            f"{SERVER}, users: -1}}",
            "servers[2].users: found '-1', expected greater than or equal to 0",
        ),
        (
            f"{SERVER}, address: x, endpoint: {{address: y}}}}",
            (
                "servers[2]: found a mapping of 6, expected either 'endpoint' or "
                "'address', 'port' and 'tls'"
            ),
        ),
        (
            "  - {name: A1, site: south, role: other, product: x}",
            (
                "servers[2].name: found 'A1' twice (case does not count), expected "
                "each name once"
            ),
        ),
        (
            "  - {name: north, site: south, role: other, product: x}",
            (
                "sites[0].name: found 'north', expected a name that no server, site or "
                "other peer has"
            ),
        ),
        (
            "  - {name: c1, site: west, role: other, product: x}",
            (
                "servers[2].site: found 'west', expected the name of a site under "
                "'sites'; add it, or correct the name"
            ),
        ),
        (
            "  - {name: c1, role: other, product: x}",
            "servers[2].site: found nothing, expected a site, or a pool that has one",
        ),
        (
            "  - {name: c1, site: south, role: boss, product: x}",
            (
                "servers[2].role: found 'boss', expected 'standard', 'front-end', "
                "'access-proxy', 'proxy', 'director', 'archiving' or 'other'"
            ),
        ),
        (
            "  - {name: c1, site: south, product: x}",
            "servers[2]: found nothing, expected a value for 'role'",
        ),
        ("sites: []", "line 7: found 'sites' twice, expected each key once"),
        (
            (
                "windows: [{name: w, applies_to: '*', start: 2026-01-01T00:00, rrule: "
                "FREQ=SOMETIMES, minutes: 5}]"
            ),
            (
                "windows[0].rrule: found 'FREQ=SOMETIMES', expected one RFC 5545 rule "
                "such as FREQ=WEEKLY;BYDAY=SA, daily at most"
            ),
        ),
        (
            (
                "windows: [{name: w, applies_to: '*', start: 2026-01-01T00:00, rrule: "
                "FREQ=DAILY;INTERVAL=0, minutes: 5}]"
            ),
            (
                "windows[0].rrule: found 'FREQ=DAILY;INTERVAL=0', expected an INTERVAL "
                "of at least 1"
            ),
        ),
        (
            (
                "windows: [{name: w, applies_to: '*', start: 2026-01-01T00:00, rrule: "
                "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30, minutes: 5}]"
            ),
            (
                "windows[0].rrule: found 'FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30', "
                "expected a rule that some day fulfils"
            ),
        ),
        (
            (
                "windows: [{name: w, applies_to: 'pool:p9', start: 2026-01-01T00:00, "
                "rrule: FREQ=DAILY, minutes: 5}]"
            ),
            (
                "windows[0].applies_to: found 'p9', expected the name of a pool under "
                "'pools'; add it, or correct the name"
            ),
        ),
        (
            (
                "freezes: [{name: f, applies_to: a1, start: 2026-01-01T00:00Z, end: "
                "2026-01-02T00:00, reason: x}]"
            ),
            (
                "freezes[0].start: found '2026-01-01T00:00Z', expected a local time "
                "without an offset such as 2026-01-31T22:00"
            ),
        ),
        (
            (
                "freezes: [{name: f, applies_to: a1, start: 2026-01-02T00:00, end: "
                "2026-01-01T00:00, reason: x}]"
            ),
            (
                "freezes[0]: found a mapping of 5, expected an 'end' later than the "
                "'start'"
            ),
        ),
        (
            "firewalls: [{name: f, between: [north, east]}]",
            (
                "firewalls[0].between[1]: found 'east', expected a site, a server or "
                "an external peer; add it, or correct the name"
            ),
        ),
        (
            "firewalls: [{name: f, between: [north]}]",
            (
                "firewalls[0].between: found a list of 1, expected at least 2 items "
                "after validation, not 1"
            ),
        ),
    ],
)
def test_a_mistake_is_named_by_line_and_field(
    tmp_path: Path, line: str, problem: str
) -> None:
    assert [
        found.removeprefix("line 7, ").removeprefix("line 1, ")
        for found in problems(tmp_path, f"{SMALL}{line}\n")
    ] == [problem]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "Europe", ""])
def test_a_time_zone_that_nobody_knows_is_refused(tmp_path: Path, zone: str) -> None:
    text = SMALL.replace("{name: north}", f"{{name: north, time_zone: '{zone}'}}")
    assert "expected a time zone such as Europe/Berlin" in problems(tmp_path, text)[0]


@pytest.mark.parametrize(
    "name", ["a;b", "a b", "$(x)", "a`b", "a\\nb", "\\e[31m", "a&b", "-x", "a'b", "ä"]
)
def test_names_that_a_shell_or_a_terminal_acts_on_are_refused(
    tmp_path: Path, name: str
) -> None:
    text = SMALL + f'  - {{name: "{name}", site: south, role: other, product: x}}\n'
    found = [problem for problem in problems(tmp_path, text) if "name" in problem]
    assert found
    assert all(problem.isprintable() for problem in found)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = SMALL.replace("site: north}", "site: east}").replace(
        "site: south,", "site: west, mtls_peers: [z9],"
    )
    found = problems(tmp_path, text)
    assert [problem.partition(":")[0] for problem in found] == [
        "line 2, pools[0].site",
        "line 6, servers[1].site",
        "line 6, servers[1].mtls_peers[0]",
    ]


def test_a_mistake_in_csv_is_named_by_its_line(tmp_path: Path) -> None:
    text = (
        "name,site,role,product,port,mtls_peers\na,s,other,x,80,\n# c\nb,s,other,x,0,\n"
    )
    assert problems(tmp_path, text, "i.csv") == [
        "line 4, servers[1].port: found '0', expected greater than or equal to 1"
    ]


def test_a_pool_on_two_sites_is_refused_in_csv_too(tmp_path: Path) -> None:
    text = "name,site,pool,role,product\na,s,p,other,x\nb,t,p,other,x\n"
    assert problems(tmp_path, text, "i.csv") == [
        "line 3, servers[1].site: found 't', expected 's', the site of its pool 'p'"
    ]


def test_the_same_file_read_twice_is_the_same_estate() -> None:
    assert read_inventory(SAMPLE) == read_inventory(SAMPLE)


words = st.sampled_from(
    [
        "servers",
        "sites",
        "name",
        "a1",
        "role",
        "proxy",
        ": ",
        "\n",
        "- ",
        "  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "site",
        "on",
        "'",
    ]
)


@settings(deadline=None)
@given(
    st.binary()
    | st.lists(words, max_size=30).map(lambda parts: "".join(parts).encode())
)
def test_any_bytes_are_an_inventory_or_bad_input(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp()
    for name in ("any.csv", "any.yml"):
        (folder / name).write_bytes(raw)
        with suppress(BadInputError):
            read_inventory(folder / name)


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["name", "site", "role", "between", "x"]), inner
        )
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["servers", "sites", "pools", "windows"]), json_values
    )
)
def test_any_shape_of_data_is_an_inventory_or_bad_input(
    tmp_path_factory: pytest.TempPathFactory, data: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "shape.yml"
    path.write_text(json.dumps(data))
    with suppress(BadInputError):
        read_inventory(path)


def test_ansible_gets_groups_by_site_pool_and_role_and_no_credential() -> None:
    listed = to_ansible(read_inventory(SAMPLE))
    assert listed["pool_pool_hh"]["hosts"] == ["fe01", "fe02"]
    assert listed["site_lisbon"]["hosts"] == ["lis01"]
    assert listed["role_access_proxy"]["hosts"] == ["edge01"]
    assert "pool_pool_hh" in listed["all"]["children"]
    edge = listed["_meta"]["hostvars"]["edge01"]
    assert edge["ansible_host"] == "192.0.2.10"
    assert (edge["ansible_port"], edge["ansible_winrm_scheme"]) == (443, "https")
    assert "lcs-admin" not in json.dumps(listed)
    assert "edge-admin" not in json.dumps(listed)


def test_two_pools_never_share_an_ansible_group(tmp_path: Path) -> None:
    text = (
        "sites: [{name: s}]\npools: [{name: p-1, site: s}, {name: p.1, site: s}]\n"
        "servers:\n"
        "  - {name: a, pool: p-1, role: other, product: x}\n"
        "  - {name: b, pool: p.1, role: other, product: x}\n"
    )
    listed = to_ansible(read(tmp_path, text))
    hosts = [
        group["hosts"] for name, group in listed.items() if name.startswith("pool_")
    ]
    assert sorted(hosts) == [["a"], ["b"]]


def test_a_link_is_read_with_its_sites_and_limit(tmp_path: Path) -> None:
    wan = "links: [{name: wan, sites: [north, SOUTH], max_concurrent: 3}]\n"
    assert read(tmp_path, SMALL + wan).links == (Link("wan", ("north", "south"), 3),)


WAN = "{name: w, sites: [north], max_concurrent: 1}"


@pytest.mark.parametrize(
    ("links", "found"),
    [
        ("{name: w, sites: [nowhere], max_concurrent: 1}", "nowhere"),
        ("{name: w, sites: [], max_concurrent: 1}", "sites"),
        ("{name: w, sites: [north], max_concurrent: 0}", "max_concurrent"),
        ("{name: w, sites: [north]}", "max_concurrent"),
        (f"{WAN}, {WAN}", "'w'"),
    ],
    ids=["dangling site", "no site", "no room", "no limit", "doubled"],
)
def test_a_link_that_could_not_hold_is_refused(
    tmp_path: Path, links: str, found: str
) -> None:
    (problem,) = problems(tmp_path, f"{SMALL}links: [{links}]\n")
    assert "line 7" in problem
    assert found in problem
