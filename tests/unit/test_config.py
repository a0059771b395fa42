"""Where settings come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.config import EngineName, Settings

URL = "amqps://us:secret@host/vhost"


@pytest.fixture(autouse=True)
def handed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of credentials as systemd makes it, with a broker's URL."""
    (tmp_path / "orchestrator_broker").write_text(f"{URL}\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("ORCHESTRATOR_BROKER", raising=False)
    return tmp_path


def test_a_credential_of_systemd_is_the_setting_of_its_name() -> None:
    broker = Settings().broker
    assert broker is not None
    assert broker.get_secret_value() == URL


def test_the_environment_comes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_BROKER", "amqp://other/")
    broker = Settings().broker
    assert broker is not None
    assert broker.get_secret_value() == "amqp://other/"


def test_a_brokers_url_is_masked_wherever_settings_are_shown() -> None:
    assert "secret" not in repr(Settings())


def test_without_a_word_one_machine_does_it() -> None:
    assert Settings().engine is EngineName.THREADS
