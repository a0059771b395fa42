"""The estate is served over real WinRM and behaves as its scenario says."""

from __future__ import annotations

import csv
import os
import socket
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pypsrp.wsman import NAMESPACES, WSMan

from orchestrator.lab import scenario
from orchestrator.lab.scenario import Assignment, Scenario
from orchestrator.lab.serve import Lab, write_inventory, write_package, write_table
from orchestrator.lab.traits import Trait
from orchestrator.lab.windows.package import open_package
from orchestrator.lab.windows.pe import version_of
from orchestrator.lab.windows.profile import Timing

PASSWORD = "secret-of-the-test"
URI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/cimv2/"
IDENTIFY = (
    '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Header/>'
    '<s:Body><i:Identify xmlns:i="http://schemas.dmtf.org/wbem/wsman/identify/1/'
    'wsmanidentity.xsd"/></s:Body></s:Envelope>'
)
PLAN = Scenario(
    servers=8,
    speed=100.0,
    timing=Timing(install=10, boot=200),
    assignments=(
        Assignment(Trait.UNREACHABLE, ("lcs01fe2",)),
        Assignment(Trait.REFUSED, ("lcs01fe3",)),
        Assignment(Trait.GARBAGE, ("lcs01fe4",)),
        Assignment(Trait.SLOW, ("lcs01fe5",), value=0.3),
        Assignment(Trait.STACK, ("lcs01dir",), value="2.0"),
    ),
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(PLAN, 1, PASSWORD, port=0) as served:
        yield served


def connect(lab: Lab, name: str) -> WSMan:
    listener = lab.servers[name].listener
    return WSMan(
        listener.address,
        port=listener.port,
        ssl=False,
        auth="ntlm",
        username="LAB\\operator",
        password=PASSWORD,
        no_proxy=True,
        connection_timeout=5,
        read_timeout=10,
        operation_timeout=8,
    )


def query(client: WSMan, wql: str) -> list[dict[str, str | None]]:
    body = ET.Element(f"{{{NAMESPACES['wsen']}}}Enumerate")
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}OptimizeEnumeration")
    ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}MaxElements").text = "20"
    filter_ = ET.SubElement(body, f"{{{NAMESPACES['wsman']}}}Filter")
    filter_.set("Dialect", "http://schemas.microsoft.com/wbem/wsman/1/WQL")
    filter_.text = wql
    answer = client.enumerate(URI + "*", body)
    fragments = answer.iter(f"{{{NAMESPACES['wsman']}}}XmlFragment")
    return [{child.tag: child.text for child in one} for one in fragments]


def test_a_server_answers_queries_over_sealed_winrm(lab: Lab) -> None:
    with connect(lab, "lcs01fe1") as client:
        rows = query(client, "SELECT Name,State FROM Win32_Service WHERE Name='RTCSRV'")
    assert rows == [{"Name": "RTCSRV", "State": "Running"}]


def identify(lab: Lab, name: str) -> str:
    response = requests.post(
        lab.servers[name].listener.url,
        data=IDENTIFY,
        headers={
            "WSMANIDENTIFY": "unauthenticated",
            "Content-Type": "application/soap+xml;charset=UTF-8",
        },
        timeout=5,
    )
    return response.text


def test_servers_speak_the_version_of_their_trait(lab: Lab) -> None:
    assert "Stack: 1.1" in identify(lab, "lcs01fe1")
    assert "Stack: 2.0" in identify(lab, "lcs01dir")


def test_an_unreachable_server_never_answers(lab: Lab) -> None:
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.post(lab.servers["lcs01fe2"].listener.url, data=b"", timeout=0.5)


def test_a_refusing_server_has_nothing_listening(lab: Lab) -> None:
    listener = lab.servers["lcs01fe3"].listener
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((listener.address, listener.port), timeout=2)


def test_a_slow_server_takes_its_time(lab: Lab) -> None:
    begun = time.monotonic()
    identify(lab, "lcs01fe5")
    assert time.monotonic() - begun >= 0.3


def test_garbage_is_no_answer(lab: Lab) -> None:
    with (
        connect(lab, "lcs01fe4") as client,
        pytest.raises((ET.ParseError, UnicodeDecodeError)),
    ):
        query(client, "SELECT Name FROM Win32_Service")


def test_power_loss_cuts_the_wire_until_it_is_up_again(lab: Lab) -> None:
    boot = "SELECT LastBootUpTime FROM Win32_OperatingSystem"
    with connect(lab, "lcs01ap") as client:
        query(client, boot)
    before = lab.servers["lcs01ap"].computer.host.booted
    lab.power_loss("lcs01ap")
    assert eventually(lambda: refuses(lab, "lcs01ap"))
    assert eventually(lambda: not refuses(lab, "lcs01ap"))
    assert lab.servers["lcs01ap"].computer.host.booted > before
    with connect(lab, "lcs01ap") as client:
        assert query(client, boot)


def refuses(lab: Lab, name: str) -> bool:
    listener = lab.servers[name].listener
    try:
        socket.create_connection((listener.address, listener.port), timeout=2).close()
    except ConnectionRefusedError:
        return True
    return False


def eventually(holds: Any, seconds: float = 10.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def test_package_and_table_belong_together(tmp_path: Path) -> None:
    packages = [open_package(path.read_bytes()) for path in write_package(tmp_path)]
    text = write_table(tmp_path).read_text("utf-8")
    assert text.startswith("# lab\n")
    rows = list(csv.DictReader(line for line in text.splitlines() if line[0] != "#"))
    assert {one["platform"] for one in rows} == {"x86", "x64"}
    for package in packages:
        assert package is not None
        content = package.files["schannel.dll"]
        version = version_of(content)
        (row,) = [
            one
            for one in rows
            if one["platform"] == package.platform and "system32" in one["path"]
        ]
        assert version is not None
        assert (row["version"], int(row["size"])) == (version.dotted, len(content))


def test_the_inventory_is_written_without_secrets(lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "inventory.yml"
    write_inventory(lab.estate, path)
    assert "lcs01fe1" in path.read_text("utf-8")
    assert PASSWORD not in path.read_text("utf-8")


def resident() -> int:
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
def test_a_thousand_servers_start_within_10_s_and_1_gb() -> None:
    before = resident()
    begun = time.monotonic()
    with Lab(Scenario(servers=1000), 1, PASSWORD, port=0) as lab:
        started = time.monotonic() - begun
        for served in lab.servers.values():
            rows = served.computer.query(
                "root/cimv2", "SELECT Version FROM CIM_DataFile WHERE Extension='dll'"
            )
            assert rows
        grown = resident() - before
    assert started < 10
    assert grown < 1 << 30


def test_the_shipped_scenario_is_served() -> None:
    with Lab(scenario.default(), 1, PASSWORD, port=0) as lab:
        assert len(lab.servers) == 24
