"""The shipped playbooks against a webhook and a mail program on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from orchestrator.application.ports.hooks import Hook, HookOutcome
from orchestrator.bootstrap import packaged
from tests.integration.ansible.conftest import (
    CANARY,
    Bench,
    Webhook,
    call,
    one_server,
)

SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.mark.parametrize("hook", [Hook.BEFORE_WAVE, Hook.AFTER_WAVE, Hook.ON_STOP])
def test_round_a_wave_nothing_is_done_that_was_not_set(
    bench: Bench, hook: Hook
) -> None:
    result = bench.run(call(hook))
    assert result.outcome is HookOutcome.SUCCEEDED, result
    done = {event.task for event in result.events if event.event == "ok"}
    assert not done & {"Call the webhook", "Tell by mail"}


def test_before_a_wave_monitoring_is_silenced_and_people_are_told(
    bench: Bench, webhook: Webhook
) -> None:
    bench.variables(
        hook_silence_url=webhook.url,
        hook_silence_headers={"Authorization": f"Bearer {CANARY}"},
        hook_notify_url=webhook.url,
    )
    result = bench.run(call(Hook.BEFORE_WAVE))
    assert result.outcome is HookOutcome.SUCCEEDED, result
    silence, notice = webhook.bodies
    assert silence["servers"] == ["fe1", "fe2"]
    assert silence["minutes"] == 120
    assert "wave 2 of 3 begins, 2 servers (run run-1)" in notice["text"]
    assert webhook.tokens == [f"Bearer {CANARY}", None]


def test_a_webhooks_address_and_token_are_nowhere_to_be_read(
    bench: Bench, webhook: Webhook
) -> None:
    webhook.status = 403
    bench.variables(
        hook_silence_url=webhook.url,
        hook_silence_headers={"Authorization": f"Bearer {CANARY}"},
    )
    result = bench.run(call(Hook.BEFORE_WAVE))
    assert result.outcome is HookOutcome.FAILED
    assert "status 403" in result.message
    assert len(webhook.bodies) == 1
    assert CANARY not in bench.written()
    assert CANARY not in repr(result)


def test_after_a_wave_the_silence_ends_with_the_sites_own_words(
    bench: Bench, webhook: Webhook
) -> None:
    bench.variables(
        hook_unsilence_url=webhook.url,
        hook_unsilence_body={"matchers": "{{ orchestrator_servers | join('|') }}"},
    )
    result = bench.run(call(Hook.AFTER_WAVE, outcomes={"fe1": "remediated"}))
    assert result.outcome is HookOutcome.SUCCEEDED, result
    assert webhook.bodies == [{"matchers": "fe1|fe2"}]


def test_on_a_stop_people_get_mail_with_the_reason(bench: Bench) -> None:
    program = bench.site / "sendmail"
    program.write_text(f"#!/bin/sh\nexec cat > {bench.site}/mail\n")
    program.chmod(0o700)
    bench.variables(
        hook_mail_to=["ops@corp.example", "lcs@corp.example"],
        hook_mail_program=str(program),
    )
    reason = "wave 2: fe1 ended badly\nBcc: someone@else.example"
    result = bench.run(call(Hook.ON_STOP, reason=reason, outcomes={"fe1": "unhealthy"}))
    assert result.outcome is HookOutcome.SUCCEEDED, result
    head, _, body = (bench.site / "mail").read_text().partition("\n\n")
    assert "To: ops@corp.example, lcs@corp.example" in head
    assert "Bcc" not in head
    assert "fe1 ended badly" in body
    assert "fe1: unhealthy" in body


def test_a_server_is_taken_out_and_put_back_by_webhook(
    bench: Bench, webhook: Webhook
) -> None:
    bench.variables(hook_drain_url=webhook.url, hook_undrain_url=webhook.url)
    for hook in (Hook.DRAIN_SERVER, Hook.UNDRAIN_SERVER):
        result = bench.run(one_server(hook))
        assert result.outcome is HookOutcome.SUCCEEDED, result
    member = {"server": "fe1", "address": "fe1.example", "pool": "pool-1"}
    assert webhook.bodies == [
        {**member, "state": "drained"},
        {**member, "state": "active"},
    ]


def test_a_server_is_taken_out_by_a_command_without_a_shell(bench: Bench) -> None:
    program = bench.site / "lb"
    program.write_text(f'#!/bin/sh\nprintf "%s|" "$@" > {bench.site}/arguments\n')
    program.chmod(0o700)
    bench.variables(
        hook_drain_command=[str(program), "--out", "{{ orchestrator_server }}; id"]
    )
    result = bench.run(one_server(Hook.DRAIN_SERVER))
    assert result.outcome is HookOutcome.SUCCEEDED, result
    assert (bench.site / "arguments").read_text() == "--out|fe1; id|"


def test_a_sites_playbook_goes_on_with_the_shipped_one(
    bench: Bench, webhook: Webhook
) -> None:
    bench.variables(hook_notify_url=webhook.url)
    (bench.site / "before_wave.yml").write_text(
        '- import_playbook: "{{ orchestrator_playbooks }}/before_wave.yml"\n'
    )
    result = bench.run(call(Hook.BEFORE_WAVE))
    assert result.outcome is HookOutcome.SUCCEEDED, result
    assert len(webhook.bodies) == 1


@pytest.mark.parametrize("hook", [Hook.DRAIN_SERVER, Hook.UNDRAIN_SERVER])
def test_draining_that_nobody_described_fails(bench: Bench, hook: Hook) -> None:
    result = bench.run(one_server(hook))
    assert result.outcome is HookOutcome.FAILED
    assert "hooks.yml sets neither" in result.message


def test_variables_may_be_encrypted(bench: Bench, webhook: Webhook) -> None:
    password = bench.site / "vault-password"
    password.write_text("of the vault\n")
    (bench.site / "ansible.cfg").write_text(
        f"[defaults]\nvault_password_file = {password}\n"
    )
    bench.variables(hook_notify_url=webhook.url)
    plain = bench.site / "hooks.yml"
    subprocess.run(
        [
            SCRIPTS / "ansible-vault",
            "encrypt",
            plain,
            "--vault-password-file",
            password,
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    assert webhook.url not in plain.read_text()
    result = bench.run(call(Hook.BEFORE_WAVE))
    assert result.outcome is HookOutcome.SUCCEEDED, result
    assert len(webhook.bodies) == 1


def test_the_shipped_playbooks_pass_the_strictest_lint(tmp_path: Path) -> None:
    found = subprocess.run(
        [str(SCRIPTS / "ansible-lint"), "--offline", "-q", str(packaged("playbooks"))],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
        env={**os.environ, "HOME": str(tmp_path), "PATH": f"{SCRIPTS}:/usr/bin:/bin"},
        cwd=packaged("playbooks").parent,
    )
    assert found.returncode == 0, found.stdout + found.stderr


def run(command: list[Path | str], environment: dict[str, str]) -> str:
    answer = subprocess.run(
        command,
        env=environment,
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return answer.stdout


def test_ansible_reads_the_database_through_the_dynamic_inventory(
    tmp_path: Path,
) -> None:
    sample = packaged("inventory") / "sample-estate.yml"
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "ORCHESTRATOR": str(SCRIPTS / "orchestrator"),
        "ORCHESTRATOR_DATABASE": f"sqlite:///{tmp_path}/estate.db",
    }
    script = packaged("inventory") / "orchestrator_inventory.py"
    run([SCRIPTS / "orchestrator", "inventory", "import", sample], environment)
    answer = run([SCRIPTS / "ansible-inventory", "-i", script, "--list"], environment)
    found = json.loads(answer)
    assert "fe01" in found["pool_pool_hh"]["hosts"]
    assert found["_meta"]["hostvars"]["fe01"]["ansible_host"] == "fe01.corp.example"


def test_the_dynamic_inventory_says_why_there_is_none(tmp_path: Path) -> None:
    answer = subprocess.run(
        [packaged("inventory") / "orchestrator_inventory.py", "--list"],
        env={**os.environ, "ORCHESTRATOR": str(tmp_path / "nothing")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 1
    assert "nothing" in answer.stderr
    assert "Traceback" not in answer.stderr
