"""What surrounds a simulated estate: its account, and the files that it hands out."""

from __future__ import annotations

import secrets
from pathlib import Path

from orchestrator.application.ports.secrets import (
    Credential,
    CredentialStore,
    Mechanism,
    Secret,
)
from orchestrator.cli.reports import LabReport
from orchestrator.cli.text import note
from orchestrator.lab import inventory_file
from orchestrator.lab.estate import ACCOUNT, CREDENTIAL
from orchestrator.lab.serve import Lab, write_package, write_table

_PASSWORD_BYTES = 16


def account_of_lab(store: CredentialStore) -> str:
    """The password of the lab's account: the one that is kept, else a new one."""
    known = {entry.name for entry in store.entries()}
    found = store.resolve(CREDENTIAL) if CREDENTIAL in known else None
    if isinstance(found, Credential) and found.secret is not None:
        return found.secret.reveal()
    password = secrets.token_urlsafe(_PASSWORD_BYTES)
    credential = Credential(CREDENTIAL, ACCOUNT, Secret(password), (Mechanism.NTLM,))
    where = store.save(credential)
    note(f"credential {CREDENTIAL} was made for the simulated servers, in {where}")
    return password


def write_kit(lab: Lab, inventory: Path | None, packages: Path | None) -> None:
    """Write what was asked for; the inventory last, so that it tells of the end."""
    if packages is not None:
        packages.mkdir(parents=True, exist_ok=True)
        write_package(packages, padding=lab.estate.scenario.package_padding)
        write_table(packages)
    if inventory is not None:
        ports = {name: one.listener.port for name, one in lab.servers.items()}
        fresh = inventory.with_name(f".{inventory.name}.new")
        fresh.write_text(inventory_file.dump(lab.estate, ports), encoding="utf-8")
        fresh.replace(inventory)


def report_of(lab: Lab, inventory: Path | None) -> LabReport:
    """What is served."""
    ends = [
        f"{one.listener.address}:{one.listener.port}" for one in lab.servers.values()
    ]
    return LabReport(
        servers=len(ends),
        seed=lab.estate.seed,
        credential=CREDENTIAL,
        username=ACCOUNT,
        inventory=str(inventory) if inventory else None,
        first=ends[0],
        last=ends[-1],
    )
