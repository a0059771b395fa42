from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.ansible.environment import INHERITED, child_environment

NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=30)


@given(st.dictionaries(NAMES, st.just("canary")))
def test_nothing_that_is_not_allowed_is_inherited(ours: dict[str, str]) -> None:
    allowed = {*INHERITED, "PATH"}
    child = child_environment(ours, prepared=dict(ours), scratch="/s")
    leaked = {name for name, value in child.items() if "canary" in value}
    assert leaked <= allowed | {
        "ANSIBLE_CALLBACK_PLUGINS",
        "ANSIBLE_STDOUT_CALLBACK",
        "ANSIBLE_RETRY_FILES_ENABLED",
        "AWX_ISOLATED_DATA_DIR",
        "RUNNER_OMIT_EVENTS",
        "RUNNER_ONLY_FAILED_EVENTS",
    }


def test_credentials_passwords_and_the_database_url_are_left_out() -> None:
    ours = {
        "ORCHESTRATOR_CREDENTIAL_FLEET_PASSWORD": "canary",
        "ORCHESTRATOR_DATABASE": "postgresql://u:canary@db/x",
        "ANSIBLE_BECOME_PASSWORD": "canary",
        "HTTPS_PROXY": "http://u:canary@proxy",
        "HOME": "/home/o",
    }
    child = child_environment(ours, prepared=ours, scratch="/s")
    assert "canary" not in " ".join(child.values())
    assert child["HOME"] == "/home/o"


def test_the_check_of_host_keys_stays_as_the_site_has_it() -> None:
    prepared = {"ANSIBLE_HOST_KEY_CHECKING": "False"}
    child = child_environment({}, prepared=prepared, scratch="/s")
    assert "ANSIBLE_HOST_KEY_CHECKING" not in child
