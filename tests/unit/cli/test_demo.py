"""The demonstration begins in a folder of its own, and takes nobody's files away."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.application.results import RequestError
from orchestrator.cli.demo import Demo


def opened(folder: Path) -> Demo:
    return Demo.open(folder, json=False, no_color=True)


def test_a_folder_with_files_of_somebody_is_refused_and_kept(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(RequestError, match="files of yours"):
        opened(tmp_path)

    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_rerun_begins_anew(tmp_path: Path) -> None:
    folder = opened(tmp_path / "demo").folder
    (folder / "orchestrator.db").touch()

    opened(tmp_path / "demo")

    assert not (folder / "orchestrator.db").exists()


def test_nothing_of_the_users_own_is_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_DATABASE", "postgresql://production")
    monkeypatch.setenv("ORCHESTRATOR_CREDENTIAL_LAB_PASSWORD", "hunter2")

    environment = opened(tmp_path / "demo").environment

    assert "production" not in environment["ORCHESTRATOR_DATABASE"]
    assert "ORCHESTRATOR_CREDENTIAL_LAB_PASSWORD" not in environment
    assert environment["PYTHON_KEYRING_BACKEND"] == "keyring.backends.fail.Keyring"
    assert environment["XDG_CONFIG_HOME"].startswith(str(tmp_path))
