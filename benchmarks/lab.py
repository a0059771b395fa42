"""A simulated estate in a process of its own, so that its CPU is not the client's.

``python -m benchmarks.lab FOLDER SERVERS INSTALL_SECONDS`` serves until its standard
input ends; each line there is answered with its messages and CPU seconds so far.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from orchestrator.lab import inventory_file
from orchestrator.lab.estate import ACCOUNT
from orchestrator.lab.scenario import Scenario
from orchestrator.lab.serve import Lab, write_package, write_table
from orchestrator.lab.windows.profile import Timing

PASSWORD = "Only-Here-7"  # noqa: S105  # of simulated servers
#: Simulated time runs as ours does: an installer's seconds are real ones.
_SPEED = 1.0


@dataclass(frozen=True, slots=True)
class Host:
    """Where a simulated server listens, and who may enter."""

    name: str
    address: str
    port: int
    account: str
    password: str


@dataclass(frozen=True, slots=True)
class Running:
    """A lab that is being served, and the folder of its files."""

    process: subprocess.Popen[str]
    folder: Path
    hosts: list[Host]

    def spent(self) -> tuple[int, float]:
        """SOAP messages that all servers took so far, and CPU seconds."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("the lab has no pipes")
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        messages, cpu = self.process.stdout.readline().split()
        return int(messages), float(cpu)

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of this user's own; the lab's credential as variables."""
        prefix = "ORCHESTRATOR_CREDENTIAL_LAB"
        kept = {k: v for k, v in os.environ.items() if not k.startswith("ORCHESTRATOR")}
        return kept | {
            "ORCHESTRATOR_DATABASE": f"sqlite:///{self.folder / 'orchestrator.db'}",
            "ORCHESTRATOR_CREDENTIALS_FILE": str(self.folder / "credentials.yml"),
            f"{prefix}_USERNAME": ACCOUNT,
            f"{prefix}_PASSWORD": PASSWORD,
            f"{prefix}_MECHANISMS": "ntlm",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
        }


@contextmanager
def serving(servers: int, *, install_s: float = 20) -> Iterator[Running]:
    """So many servers that need the hotfix, for as long as the block lasts."""
    with TemporaryDirectory() as name:
        words = [sys.executable, "-m", "benchmarks.lab", name]
        with subprocess.Popen(  # noqa: S603  # our own words
            [*words, str(servers), str(install_s)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            if process.stdout is None or not (line := process.stdout.readline()):
                raise RuntimeError("the simulated servers did not come up")
            yield Running(
                process, Path(name), [Host(**one) for one in json.loads(line)]
            )
            if process.stdin is not None:
                process.stdin.close()


def main(words: list[str]) -> None:
    """Serve."""
    folder, servers, install_s = Path(words[0]), int(words[1]), float(words[2])
    timing = Timing(install=install_s, service_start=1, service_stop=1)
    scenario = Scenario(servers=servers, speed=_SPEED, timing=timing)
    with Lab(scenario, 1, PASSWORD, port=0) as lab:
        write_package(folder)
        write_table(folder)
        ports = {name: one.listener.port for name, one in lab.servers.items()}
        estate = inventory_file.inventory(lab.estate, ports)
        for pool in estate["pools"]:
            pool["max_unavailable"] = servers  # what is measured is not this limit
        text = yaml.safe_dump(estate)
        (folder / "estate.yml").write_text(text, encoding="utf-8")
        rows = [
            {
                "name": name,
                "address": one.listener.address,
                "port": one.listener.port,
                "account": ACCOUNT,
                "password": PASSWORD,
            }
            for name, one in lab.servers.items()
        ]
        print(json.dumps(rows), flush=True)  # noqa: T201  # the parent reads it
        for _ in sys.stdin:
            messages = sum(one.listener.requests for one in lab.servers.values())
            print(messages, time.process_time(), flush=True)  # noqa: T201  # likewise


if __name__ == "__main__":
    main(sys.argv[1:])
