"""The built wheel carries all that the program needs, wherever it is started."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD_SECONDS = 300
DEMO_SECONDS = 300


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(out)]
    subprocess.run([*command, str(ROOT)], check=True, timeout=BUILD_SECONDS)
    (built,) = out.glob("orchestrator-*.whl")
    return built


def test_the_wheel_carries_migrations_playbooks_and_the_definition(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for wanted in (
        "orchestrator/_data/migrations/env.py",
        "orchestrator/_data/migrations/versions/0001_first_schema.py",
        "orchestrator/_data/playbooks/before_wave.yml",
        "orchestrator/_data/inventory/inventory.schema.json",
        "orchestrator/adapters/articles/definitions/KB903927.yml",
        "orchestrator/lab/default-scenario.yml",
        "orchestrator/py.typed",
    ):
        assert wanted in names
    assert not any("__pycache__" in name for name in names)


@pytest.mark.slow
@pytest.mark.timeout(BUILD_SECONDS + DEMO_SECONDS)
def test_the_demo_runs_from_the_wheel_in_an_empty_environment(
    wheel: Path, tmp_path: Path
) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "-q", str(wheel)]
    subprocess.run(install, check=True, timeout=BUILD_SECONDS)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {
        "PATH": f"{home / 'bin'}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        [home / "bin" / "orchestrator", "demo"],
        cwd=elsewhere,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        timeout=DEMO_SECONDS,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "remediated" in done.stdout
