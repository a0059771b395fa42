"""Each limit of WinRM 1.1 that has a number: a naive client fails, ours does not.

A row narrows a limit only where waiting for the real one would take too long.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters.winrm.bounded import Address, BoundedConnection
from orchestrator.adapters.winrm.ladder import Finding, probe
from orchestrator.adapters.winrm.limits import Port, WinRmLimits
from orchestrator.adapters.winrm.shell import CommandRefusedError
from orchestrator.adapters.winrm.writer import WinRmWriter
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    InstallerAction,
    LaunchOrder,
    PackageSource,
    Route,
    StagingReport,
)
from orchestrator.lab.serve import ARTICLE, Lab
from orchestrator.lab.windows.computer import SimulatedComputer
from orchestrator.lab.wsman import WINRM_1_1, Endpoint, Faults, Reply, Service
from tests.integration.winrm.conftest import package_of
from tests.integration.winrm.naive_clients import (
    ADDRESS,
    PLACES,
    Bench,
    asks_the_answer_for_the_shell,
    believes_the_first_page,
    believes_the_masked_system,
    comes_back_to_an_idle_shell,
    forgets_terminate,
    insists_on_its_language,
    installs_in_the_shell,
    keeps_a_seal_past_its_connection,
    leaves_enumerations_open,
    opens_a_shell_for_each_job,
    package,
    reads_utf_8_whatever_comes,
    rests_between_pages,
    sends_in_the_clear,
    sends_more_than_the_envelope,
    speaks_utf_8,
    starts_a_sixth_process,
    stays_for_the_whole_run,
    takes_a_quiet_command_for_a_dead_one,
    thinks_it_is_known,
    uses_the_ports_of_today,
    works_on_many_connections,
    writes_a_long_line,
)


def pushes_by_the_envelope(bench: Bench) -> None:
    host = bench.ours()
    size = host._session.payload_bytes
    shell = bench.stack.enter_context(host._shell_with(437))
    lines = b"0123456789abcdef\r\n" * (size // 18)
    found = shell.run(r"more > c:\pushed.txt", [lines, lines])
    assert found.exit_code == 0
    assert len(bench.computer.host.files.read(r"c:\pushed.txt")) >= 2 * len(lines)


def reads_every_page(bench: Bench) -> None:
    expected = len(bench.computer.query("root/cimv2", PLACES))
    assert len(bench.ours()._wsman.query(PLACES)) == expected > 20


def ends_each_enumeration(bench: Bench) -> None:
    host = bench.ours()
    counts = {len(host._wsman.query(PLACES)) for _ in range(16)}
    assert len(counts) == 1


def waits_for_a_free_shell(bench: Bench) -> None:
    bench.listener.inject(Faults(shells_elsewhere=2))
    threading.Timer(0.5, bench.listener.inject, [Faults()]).start()
    assert bench.shell(quota_wait_s=0.3).run("ver").exit_code == 0


def runs_one_command_after_the_other(bench: Bench) -> None:
    shell = bench.shell()
    assert [shell.run("ver").exit_code for _ in range(3)] == [0, 0, 0]


def asks_a_quiet_command_again(bench: Bench) -> None:
    shell = bench.shell(receive_timeout_s=1)
    assert shell.run("ping -n 200 127.0.0.1 >nul", timeout_s=30).exit_code == 0


def works_on_one_connection(bench: Bench) -> None:
    host = bench.ours()
    with host._shell_with(437) as shell:
        assert shell.run("ver").exit_code == 0
    assert host._wsman.query(PLACES)


def builds_its_session_anew(bench: Bench) -> None:
    host = bench.ours()
    for _ in range(2):
        assert host.identify().stack == "1.1"
        time.sleep(0.6)


def proves_itself_on_each_connection(bench: Bench) -> None:
    host = bench.ours()
    for _ in range(2):
        assert host.identify().os_version == "5.2.3790"
        host._session._transport.close()


def seals(bench: Bench) -> None:
    host = bench.ours()
    host.identify()
    assert host._session._transport.encryption is not None


def climbs_to_the_port(bench: Bench) -> None:
    ladder = (Port(5985, tls=False), Port(bench.listener.port, tls=False))
    host = bench.ours(fixed=False, ladder=ladder)
    assert f":{bench.listener.port}/" in host.identify().url


def asks_without_insisting(bench: Bench) -> None:
    assert bench.ours()._wsman.query("SELECT Name FROM Win32_OperatingSystem")


def stages_within_the_quota(bench: Bench) -> None:
    stage(bench, bench.ours())


def installs_detached(bench: Bench) -> None:
    before = bench.version()
    host = bench.ours()
    host.launch(stage(bench, host))
    for _ in range(100):
        if host.evidence(AttemptFolder("attempt-table")).exit_text is not None:
            break
        time.sleep(0.1)
    assert host.evidence(AttemptFolder("attempt-table")).exit_text == "0"
    assert bench.version() != before


def stage(bench: Bench, host: WinRmWriter) -> LaunchOrder:
    data = package(bench)
    path = bench.folder / "package.exe"
    path.write_bytes(data)
    folder, pinned = AttemptFolder("attempt-table"), package_of(data)
    report = host.stage(folder, pinned, PackageSource(Route.PUSH, str(path)))
    assert isinstance(report, StagingReport), report
    return LaunchOrder(folder, InstallerAction.INSTALL, ARTICLE, pinned)


def keeps_the_id_as_it_came(bench: Bench) -> None:
    shell = bench.shell()
    ((_, shell_id),) = shell._selectors
    assert shell_id.startswith("uuid:")
    assert shell.run("ver").exit_code == 0


def asks_again_once_it_is_let_in(bench: Bench) -> None:
    address = Address(ADDRESS, bench.listener.port, tls=False)
    with closing(BoundedConnection(address, WinRmLimits())) as connection:
        found = probe(connection, WinRmLimits())
    assert (found.finding, found.stack) == (Finding.SPEAKS, "1.1")
    assert bench.ours().identify().os_version == "5.2.3790"


def refuses_a_long_line(bench: Bench) -> None:
    shell, before = bench.shell(), bench.listener.requests
    with pytest.raises(CommandRefusedError, match="8205"):
        shell.run("echo " + "x" * 8_200)
    assert bench.listener.requests == before


def speaks_the_hosts_code_page(bench: Bench) -> None:
    bench.computer.host.files.put(r"c:\say.cmd", b"@echo said\r\n")
    host = bench.ours()
    with pytest.raises(CommandRefusedError):
        host._shell_with(65001)
    with host._shell() as shell:
        assert b"said" in shell.run(r"c:\say.cmd").stdout


def opens_a_shell_when_it_needs_one(bench: Bench) -> None:
    host = bench.ours()
    for _ in range(2):
        with host._shell_with(437) as shell:
            assert shell.run("ver").exit_code == 0
        time.sleep(0.6)


def reads_what_it_is_told(bench: Bench) -> None:
    bench.listener.inject(Faults(reply=Reply.UTF_16))
    assert bench.ours()._wsman.query("SELECT Name FROM Win32_OperatingSystem")


# -- the table -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A limit, who trips over it, and who does not."""

    limit: str
    naive: Callable[[Bench], None]
    ours: Callable[[Bench], None]
    #: Fields of the personality that are narrowed for speed.
    narrowed: Mapping[str, Any] = field(default_factory=dict)


TABLE = (
    Row("MaxEnvelopeSizekb 150", sends_more_than_the_envelope, pushes_by_the_envelope),
    Row("MaxBatchItems 20", believes_the_first_page, reads_every_page),
    Row(
        *("EnumerationTimeoutms 60000", rests_between_pages, reads_every_page),
        {"enumeration_timeout_s": 0.3},
    ),
    Row("operations of a user 15", leaves_enumerations_open, ends_each_enumeration),
    Row("MaxShellsPerUser 2", opens_a_shell_for_each_job, waits_for_a_free_shell),
    Row("commands per shell 1", forgets_terminate, runs_one_command_after_the_other),
    Row(
        *("MaxTimeoutms 60000", takes_a_quiet_command_for_a_dead_one),
        asks_a_quiet_command_again,
    ),
    Row(
        *("MaxConnections 5", works_on_many_connections, works_on_one_connection),
        {"max_connections": 1},
    ),
    Row(
        *("idle 120 s", keeps_a_seal_past_its_connection, builds_its_session_anew),
        {"idle_connection_s": 0.3},
    ),
    Row("401 per connection", thinks_it_is_known, proves_itself_on_each_connection),
    Row("AllowUnencrypted false", sends_in_the_clear, seals),
    Row("ports 80 and 443", uses_the_ports_of_today, climbs_to_the_port),
    Row("mustUnderstand Locale", insists_on_its_language, asks_without_insisting),
    Row("MaxProcessesPerShell 5", starts_a_sixth_process, stages_within_the_quota),
    Row("MaxMemoryPerShellMB 80", installs_in_the_shell, installs_detached),
    Row("uuid: shell ids", asks_the_answer_for_the_shell, keeps_the_id_as_it_came),
    Row("masked Identify", believes_the_masked_system, asks_again_once_it_is_let_in),
    Row("command line 8191", writes_a_long_line, refuses_a_long_line),
    Row("code page 65001", speaks_utf_8, speaks_the_hosts_code_page),
    Row(
        *("IdleTimeout 900000", comes_back_to_an_idle_shell),
        opens_a_shell_when_it_needs_one,
        {"shell_idle_s": 0.3},
    ),
    Row(
        *("MaxShellRunTime 28800000", stays_for_the_whole_run, installs_detached),
        {"max_shell_run_s": 1.0},
    ),
    Row("answers in UTF-16", reads_utf_8_whatever_comes, reads_what_it_is_told),
)


@pytest.fixture
def bench(request: pytest.FixtureRequest, lab: Lab, tmp_path: Path) -> Iterator[Bench]:
    row: Row = request.getfixturevalue("row")
    computer = SimulatedComputer(lab.estate.members[0].profile, speed=60)
    personality = replace(WINRM_1_1, **row.narrowed)
    with Service() as service, ExitStack() as stack:
        listener = service.add(Endpoint(ADDRESS, 0, computer, personality))
        yield Bench(computer, listener, tmp_path, stack)


each_row = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.limit)


@each_row
def test_a_naive_client_fails(bench: Bench, row: Row) -> None:
    row.naive(bench)


@each_row
def test_ours_does_not(bench: Bench, row: Row) -> None:
    row.ours(bench)
