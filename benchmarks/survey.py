"""A survey of many servers over sealed NTLM, against floors and against Ansible.

``python -m benchmarks.survey [--servers N] [--ansible-servers N]``. The baselines do
less than we do: the loop over pypsrp sends the very messages of one server's survey to
each and drops the answers, the socket sends as many small unsealed ones. Ansible's
winrm connection wraps ``raw`` in PowerShell, which these hosts lack, save commands
that begin with ``type ``: it runs as many of those a server as a survey has messages,
and its figure is CPU a server all the same.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks import conversations
from benchmarks.costs import Cost, Figure, Target, alone, command, result, tried
from benchmarks.lab import Host, Running, serving
from benchmarks.program import bring, run

SERVERS, ANSIBLE_SERVERS = 1_000, 100
THREADS = 32
FORKS = 50


def ansible(lab: Running, hosts: Sequence[Host], commands: int) -> Cost:
    """A playbook of so many commands on these hosts."""
    variables = {
        "ansible_connection": "winrm",
        "ansible_winrm_scheme": "http",
        "ansible_winrm_transport": "ntlm",
        "ansible_winrm_message_encryption": "always",
    }
    rows = {
        host.name: {
            "ansible_host": host.address,
            "ansible_port": host.port,
            "ansible_user": host.account,
            "ansible_password": host.password,
        }
        for host in hosts
    }
    inventory, book = lab.folder / "hosts.json", lab.folder / "book.yml"
    inventory.write_text(json.dumps({"all": {"hosts": rows, "vars": variables}}))
    task = {"ansible.builtin.raw": "type c:\\boot.ini"}
    tasks = [{"name": f"Command {number}"} | task for number in range(commands)]
    play = {"name": "Commands", "hosts": "all", "gather_facts": False, "tasks": tasks}
    book.write_text(yaml.safe_dump([play]))
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    return command(
        [program, "-i", str(inventory), "--forks", str(FORKS), str(book)],
        {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(lab.folder),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_LOCAL_TEMP": str(lab.folder / "tmp"),
        },
    )


def measure(
    servers: int = SERVERS, ansible_servers: int = ANSIBLE_SERVERS
) -> dict[str, Any]:
    """Every figure, as JSON values."""
    with serving(servers) as lab:
        hosts, count = lab.hosts, len(lab.hosts)
        bring(lab)
        start = run(lab, "survey", hosts[0].name)
        before, lab_cpu = lab.spent()
        program = run(lab, "survey", survey_concurrency=str(THREADS))
        after, lab_cpu_after = lab.spent()
        mine = alone(conversations.ours, hosts, THREADS)
        loop = alone(conversations.bare_pypsrp, hosts, THREADS)
        messages = round(mine.value / count)
        floor = alone(conversations.bare_socket, hosts, THREADS, messages)
        some = hosts[:ansible_servers]
        theirs = ansible(lab, some, messages)
    ratio = program.cpu_s / loop.cpu_s
    against = (theirs.cpu_s / len(some)) / (program.cpu_s / count)

    def cpu(what: str, cost: Cost, servers: int = count) -> Figure:
        each = cost.cpu_s / servers
        whole = program.cpu_s / count
        return Figure(what, each * 1e3, "ms", "orchestrator survey", each / whole)

    figures = [
        cpu("CPU a server: orchestrator survey, start and storage included", program),
        cpu("CPU a server: its conversations alone", mine),
        Figure("CPU: orchestrator survey of one server", start.cpu_s, "s"),
        cpu("CPU a server: bare loop over pypsrp", loop),
        cpu("CPU a server: bare socket", floor),
        cpu(f"CPU a server: Ansible, {len(some)} servers", theirs, len(some)),
        Figure("CPU a server: the lab", (lab_cpu_after - lab_cpu) / count * 1e3, "ms"),
        Figure(
            "messages a server, the login's two not counted",
            (after - before) / count,
            "",
        ),
        Figure("wall: orchestrator survey", program.wall_s, "s"),
        Figure(
            "wall: bare loop over pypsrp",
            loop.wall_s,
            "s",
            "survey",
            loop.wall_s / program.wall_s,
        ),
        Figure(f"wall: Ansible, {len(some)} servers", theirs.wall_s, "s"),
        Figure("peak memory: orchestrator survey", program.peak_kib / 1024, "MiB"),
    ]
    return result(
        f"{count} lab servers, sealed NTLM, {THREADS} threads; Ansible with {FORKS} "
        f"forks and {messages} `type` commands a server",
        figures,
        [
            Target("survey: CPU as a multiple of the bare pypsrp loop's", ratio, 1.3),
            Target("survey: how much less CPU than Ansible", against, 10, least=True),
        ],
    )


if __name__ == "__main__":
    tried(__doc__, measure, servers=SERVERS, ansible_servers=ANSIBLE_SERVERS)
