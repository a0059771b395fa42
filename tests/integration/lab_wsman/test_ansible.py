"""Ansible's own winrm connection against the lab, as a site's playbooks would use it.

Over this connection ``raw`` hands its command to PowerShell, which these hosts lack,
save commands that begin with ``type ``, which it leaves to cmd.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.lab.scenario import Scenario
from orchestrator.lab.serve import Lab, Served

PASSWORD = "Only-Here-7"
ANSIBLE = Path(sys.executable).with_name("ansible")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        shutil.which(str(ANSIBLE)) is None, reason="ansible-core is not installed"
    ),
]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with Lab(Scenario(servers=1), 1, PASSWORD, port=0) as lab:
        yield next(iter(lab.servers.values()))


def raw(served: Served, folder: Path, command: str) -> tuple[int, str]:
    """Exit code and output of one command on the host, as Ansible tells them."""
    account, password = next(iter(served.computer.profile.accounts.items()))
    variables = {
        "ansible_connection": "winrm",
        "ansible_host": served.listener.endpoint.address,
        "ansible_port": served.listener.port,
        "ansible_user": account,
        "ansible_password": password,
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_message_encryption": "always",
        "ansible_winrm_operation_timeout_sec": 10,
        "ansible_winrm_read_timeout_sec": 20,
    }
    inventory = folder / "inventory.json"
    hosts = {"all": {"hosts": {"old": variables}}}
    inventory.write_text(json.dumps(hosts))
    done = subprocess.run(
        [str(ANSIBLE), "old", "-i", str(inventory), "-m", "raw", "-a", command],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_STDOUT_CALLBACK": "minimal",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        },
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    head, _, text = done.stdout.partition(">>\n")
    code = re.search(r"rc=(\d+)", head)
    assert code is not None, done.stdout + done.stderr
    return int(code[1]), text


def test_raw_finds_no_powershell(served: Served, tmp_path: Path) -> None:
    code, text = raw(served, tmp_path, "ver")
    assert code == 1
    assert "'powershell' is not recognized" in text.lower()


def test_raw_types_a_file(served: Served, tmp_path: Path) -> None:
    code, text = raw(served, tmp_path, r"type c:\boot.ini")
    assert code == 0, text
    assert "[boot loader]" in text.lower()
