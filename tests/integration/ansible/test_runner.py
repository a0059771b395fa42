"""The adapter with a real ansible-runner and a real ansible-playbook."""

from __future__ import annotations

import os
import signal
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.application.ports.hooks import Hook, HookOutcome
from tests.integration.ansible.conftest import CANARY, Bench, call

BEFORE = Hook.BEFORE_WAVE


def processes_with(text: str) -> list[int]:
    """The ids of living processes whose command line holds a text."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if text.encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def test_a_hook_sees_the_wave_as_inventory_and_variables(bench: Bench) -> None:
    told = bench.site / "told"
    bench.playbook(
        BEFORE,
        f"""
- ansible.builtin.copy:
    dest: {told}
    mode: "0600"
    content: >-
      {{{{ orchestrator_run }}}}
      {{{{ orchestrator_wave }}}}/{{{{ orchestrator_waves }}}}
      {{{{ orchestrator_article }}}} {{{{ orchestrator_plan }}}}
      {{{{ orchestrator_servers }}}} {{{{ orchestrator_pools }}}}
      {{{{ orchestrator_sites }}}} {{{{ groups.pool_pool_1 }}}}
      {{{{ hostvars.fe1.ansible_host }}}} {{{{ site_words }}}}
""",
    )
    bench.variables(site_words="of the site", orchestrator_run="not this one")
    result = bench.run(call(BEFORE))
    assert result.outcome is HookOutcome.SUCCEEDED, result
    assert " ".join(told.read_text().split()) == (
        "run-1 2/3 KB700001 abcdef012345 ['fe1', 'fe2'] ['pool-1'] ['hamburg'] "
        "['fe1', 'fe2'] fe1.example of the site"
    )


def test_names_and_reasons_are_never_taken_for_templates(bench: Bench) -> None:
    proof = bench.site / "ran"
    reason = f"{{{{ lookup('pipe', 'touch {proof}') }}}}"
    bench.playbook(
        BEFORE,
        """
- ansible.builtin.debug:
    msg: "{{ orchestrator_reason }} {{ hostvars['fe1'].orchestrator_labels.note }}"
""",
    )
    result = bench.run(call(BEFORE, reason=reason))
    assert result.outcome is HookOutcome.SUCCEEDED, result
    assert not proof.exists()


def test_a_failing_task_is_named_with_its_host_and_message(bench: Bench) -> None:
    bench.playbook(
        BEFORE,
        """
- name: Look at the load balancer
  ansible.builtin.fail:
    msg: it does not answer
""",
        hosts="fe2",
    )
    result = bench.run(call(BEFORE))
    assert result.outcome is HookOutcome.FAILED
    assert result.task == "Look at the load balancer"
    assert (result.host, result.message) == ("fe2", "it does not answer")
    assert [event.event for event in result.events] == ["failed"]


def test_a_failure_that_the_playbook_rescues_is_none(bench: Bench) -> None:
    bench.playbook(
        BEFORE,
        """
- block:
    - ansible.builtin.fail:
        msg: first way
  rescue:
    - ansible.builtin.debug:
        msg: second way
""",
    )
    assert bench.run(call(BEFORE)).outcome is HookOutcome.SUCCEEDED


def test_a_playbook_that_cannot_be_read_says_what_ansible_said(bench: Bench) -> None:
    (bench.site / f"{BEFORE}.yml").write_text("- hosts: [\n")
    result = bench.run(call(BEFORE))
    assert result.outcome is HookOutcome.FAILED
    assert "YAML" in result.message
    assert len(result.message) < 5000


def test_past_its_limit_a_hook_and_all_it_started_are_ended(bench: Bench) -> None:
    bench.playbook(BEFORE, "- ansible.builtin.command: sleep 4711\n")
    started = time.monotonic()
    result = bench.run(call(BEFORE), limit_seconds=4)
    assert result.outcome is HookOutcome.TIMED_OUT
    assert "4 s" in result.message
    assert time.monotonic() - started < 30
    assert processes_with("sleep\0004711") == []
    assert processes_with(str(bench.state)) == []


def test_no_secret_of_our_environment_reaches_a_hook_or_the_disk(
    bench: Bench,
) -> None:
    dump = bench.site / "environment"
    bench.playbook(
        BEFORE,
        f"""
- ansible.builtin.shell: env > {dump}
- ansible.builtin.command: env
- ansible.builtin.setup:
- ansible.builtin.fail:
    msg: "{{{{ ansible_facts.env }}}}"
""",
    )
    result = bench.run(call(BEFORE))
    assert result.task.startswith("ansible.builtin.fail"), result
    assert "AWX_ISOLATED_DATA_DIR" in dump.read_text()
    assert CANARY not in dump.read_text()
    assert CANARY not in bench.written()
    assert CANARY not in repr(result)


def test_the_artifacts_are_private(bench: Bench) -> None:
    bench.playbook(BEFORE, "- ansible.builtin.ping:\n")
    before = os.umask(0o022)
    try:
        bench.run(call(BEFORE))
    finally:
        os.umask(before)
    assert stat.S_IMODE(bench.state.stat().st_mode) == 0o700
    (folder,) = bench.state.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.glob("artifacts/*/job_events/*.json"))


def test_hooks_at_once_do_not_see_one_another(bench: Bench) -> None:
    bench.playbook(
        Hook.DRAIN_SERVER,
        f"""
- ansible.builtin.copy:
    dest: "{bench.site}/{{{{ orchestrator_run }}}}"
    content: "{{{{ orchestrator_reason }}}} {{{{ orchestrator_server }}}}"
    mode: "0600"
""",
    )
    calls = [
        call(Hook.DRAIN_SERVER, run=f"run-{number}", reason=f"reason {number}")
        for number in range(4)
    ]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda told: bench.run(told, kept_folders=1), calls))
    assert {result.outcome for result in results} == {HookOutcome.SUCCEEDED}, results
    for number in range(4):
        told = (bench.site / f"run-{number}").read_text()
        assert told == f"reason {number} fe1"


def test_signals_stay_ours(bench: Bench) -> None:
    bench.playbook(BEFORE, "- ansible.builtin.ping:\n")
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    bench.run(call(BEFORE))
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_the_sites_playbook_stands_in_for_the_shipped_one(bench: Bench) -> None:
    assert bench.run(call(Hook.DRAIN_SERVER)).outcome is HookOutcome.FAILED
    bench.playbook(Hook.DRAIN_SERVER, "- ansible.builtin.ping:\n")
    assert bench.run(call(Hook.DRAIN_SERVER)).outcome is HookOutcome.SUCCEEDED


def test_a_hook_is_on_by_its_playbook_or_by_name_and_else_off(bench: Bench) -> None:
    bench.playbook(Hook.AFTER_WAVE, "- ansible.builtin.ping:\n")
    hooks = bench.hooks
    off = type(hooks)(
        hooks.shipped, hooks.state, hooks.view, hooks.environment, site=hooks.site
    )
    assert [hook for hook in Hook if off.offers(hook)] == [Hook.AFTER_WAVE]
    named = type(hooks)(
        hooks.shipped,
        hooks.state,
        hooks.view,
        hooks.environment,
        shipped_on=frozenset({Hook.ON_STOP}),
    )
    assert [hook for hook in Hook if named.offers(hook)] == [Hook.ON_STOP]


def test_a_missing_playbook_and_a_missing_ansible_are_values(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = bench.run(call(BEFORE), shipped=tmp_path / "nowhere")
    assert result.outcome is HookOutcome.MISSING
    assert "nowhere/before_wave.yml" in result.message
    monkeypatch.setattr("sysconfig.get_path", lambda _: str(tmp_path))
    result = bench.run(call(BEFORE), environment={"PATH": str(tmp_path)})
    assert result.outcome is HookOutcome.MISSING
    assert "orchestrator[hooks]" in result.message


def test_a_playbook_that_everybody_may_write_is_not_run(bench: Bench) -> None:
    bench.playbook(BEFORE, "- ansible.builtin.ping:\n")
    (bench.site / f"{BEFORE}.yml").chmod(0o666)
    result = bench.run(call(BEFORE))
    assert result.outcome is HookOutcome.FAILED
    assert "chmod o-w" in result.message
