"""The units that are shipped are ones that systemd takes, with least privilege."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "deploy"
UNITS = sorted(FOLDER.glob("*.service"))
PROGRAM = "/opt/orchestrator/bin/orchestrator"
WANTED = (
    "DynamicUser=yes",
    "NoNewPrivileges=yes",
    "ProtectSystem=strict",
    "CapabilityBoundingSet=",
    "LoadCredential=orchestrator_broker:/etc/orchestrator/broker",
)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    copy = tmp_path / unit.name.replace("@", "@site-1")
    copy.write_text(unit.read_text().replace(PROGRAM, sys.executable))
    done = subprocess.run(
        [analyze, "verify", "--man=no", copy],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = [line for line in done.stderr.splitlines() if unit.stem[:12] in line]
    assert not said


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_the_unit_has_no_more_rights_than_it_needs_and_no_secret(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    assert {wanted for wanted in WANTED if wanted not in lines} == set()
    assert not [line for line in lines if "amqp" in line and "//" in line]
