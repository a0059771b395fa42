from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from orchestrator.adapters.winrm.traces import read_log, updates_key
from orchestrator.adapters.winrm.values import minutes_east

RUN = """\
1.000: ====
1.000: 2007/02/15 20:47:56.890 (local)
1.016: c:\\x\\update\\update.exe (version 6.2.29.0)
2.500: TestVolatileFlag, line 11873, RegOpenKeyEx failed with error 0x2
{end}
"""
BERLIN = minutes_east(60)
STARTED = datetime(2007, 2, 15, 19, 47, 56, 890_000, tzinfo=UTC)


def log(*ends: str) -> bytes:
    return "".join(RUN.format(end=end) for end in ends).encode()


def test_local_times_become_utc_and_the_last_line_is_the_end() -> None:
    found = read_log(log("61.000: KB900000 installed successfully."), BERLIN)
    assert found.started == STARTED
    assert found.ended == STARTED + timedelta(seconds=60)
    assert found.succeeded is True


def test_only_the_last_run_counts() -> None:
    failed = "3.0: KB900000 installation did not complete."
    found = read_log(log(failed, "9.0: KB900000 installed successfully."), BERLIN)
    assert found.succeeded is True
    found = read_log(log("9.0: KB900000 installed successfully.", failed), BERLIN)
    assert found.succeeded is False


def test_a_decimal_comma_is_read() -> None:
    text = "1,313: 2007/02/15 20:47:56,890 (local)\n4,313: end\n"
    found = read_log(text.encode(), BERLIN)
    assert found.started == STARTED
    assert found.ended == STARTED + timedelta(seconds=3)


def test_benign_noise_is_neither_success_nor_failure() -> None:
    assert read_log(log("5.0: CleanPFR failed: 0x2"), BERLIN).succeeded is None


def test_the_extended_code_of_the_last_run_is_kept() -> None:
    end = "5.0: Update.exe extended error code = 0xf01e"
    found = read_log(log(end), BERLIN)
    assert found.extended_code == "0xf01e"
    assert found.succeeded is False


def test_a_log_from_the_other_half_of_the_year_is_an_hour_off_and_put_right() -> None:
    ended = STARTED + timedelta(seconds=60)
    written = ended + timedelta(hours=1, seconds=2)
    found = read_log(log("61.000: end"), BERLIN, written=written)
    assert found.ended == ended + timedelta(hours=1)


@pytest.mark.parametrize("hours", [0, 5, 24])
def test_a_log_touched_later_moves_nothing(hours: int) -> None:
    ended = STARTED + timedelta(seconds=60)
    written = ended + timedelta(hours=hours)
    assert read_log(log("61.000: end"), BERLIN, written=written).ended == ended


def test_utf_16_logs_are_read() -> None:
    text = log("61.000: end").decode().encode("utf-16")
    assert read_log(text, BERLIN).started == STARTED


def test_the_updates_key_carries_the_next_service_pack() -> None:
    assert updates_key(1).endswith(r"Windows Server 2003\SP2")
