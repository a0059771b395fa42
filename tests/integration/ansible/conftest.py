"""A real ansible-runner on this machine, and a webhook that remembers."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typing_extensions import override

from orchestrator.adapters.ansible.runner import AnsibleHooks
from orchestrator.adapters.inventory_files.ansible import to_ansible
from orchestrator.application.ports.hooks import Hook, HookCall, HookResult
from orchestrator.bootstrap import packaged
from orchestrator.domain.server import Endpoint, Inventory, Pool, Role, Server, Site

CANARY = "canary-3f1c9e"


def member(name: str) -> Server:
    return Server(
        name=name,
        endpoint=Endpoint(f"{name}.example"),
        site="hamburg",
        role=Role.FRONT_END,
        product="lcs-2005-sp1",
        pool="pool-1",
        labels={"note": "{{ lookup('pipe', 'touch ' + orchestrator_scratch) }}"},
    )


ESTATE = Inventory(
    servers={name: member(name) for name in ("fe1", "fe2")},
    pools={"pool-1": Pool("pool-1", "hamburg")},
    sites={"hamburg": Site("hamburg")},
)


def call(hook: Hook, **changes: Any) -> HookCall:
    told = HookCall(
        hook=hook,
        run="run-1",
        plan="abcdef012345",
        article="KB700001",
        wave=2,
        waves=3,
        estate=ESTATE,
    )
    return replace(told, **changes)


def one_server(hook: Hook) -> HookCall:
    return call(hook, estate=replace(ESTATE, servers={"fe1": member("fe1")}))


@dataclass
class Bench:
    """A site's folder, a state folder, and the runner between them."""

    site: Path
    state: Path
    hooks: AnsibleHooks

    def playbook(self, hook: Hook, tasks: str, hosts: str = "localhost") -> None:
        indented = "\n".join(f"    {line}" for line in tasks.strip("\n").splitlines())
        (self.site / f"{hook}.yml").write_text(
            f"- hosts: {hosts}\n  connection: local\n  gather_facts: false\n"
            f"  tasks:\n{indented}\n"
        )

    def variables(self, **values: Any) -> None:
        (self.site / "hooks.yml").write_text(json.dumps(values))

    def run(self, told: HookCall, **changes: Any) -> HookResult:
        return replace(self.hooks, **changes).run(told)

    def written(self) -> str:
        """All that is left on disk, as one text."""
        return "\n".join(
            f"{found}\n{found.read_text(errors='replace')}"
            for found in sorted(self.state.rglob("*"))
            if found.is_file()
        )


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    site = tmp_path / "site"
    site.mkdir()
    state = tmp_path / "state" / "hooks"
    hooks = AnsibleHooks(
        shipped=packaged("playbooks"),
        state=state,
        view=to_ansible,
        environment={
            **os.environ,
            # Ansible keeps what it unpacks under the home folder.
            "HOME": str(tmp_path),
            "ORCHESTRATOR_CREDENTIAL_FLEET_PASSWORD": CANARY,
            "SOME_TOKEN": CANARY,
        },
        site=site,
        shipped_on=frozenset(Hook),
        limit_seconds=60,
    )
    return Bench(site, state, hooks)


@dataclass
class Webhook:
    """Answers every request with one status and remembers it."""

    url: str = ""
    status: int = 200
    bodies: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    kept = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.bodies.append(json.loads(body))
            kept.tokens.append(self.headers.get("Authorization"))
            self.send_response(kept.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept.url = f"http://127.0.0.1:{server.server_port}/{CANARY}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield kept
        server.shutdown()
        thread.join(timeout=10)
