#!/usr/bin/env python3
"""Ansible's dynamic inventory: the estate as the orchestrator's database has it.

Usage::

    ansible-inventory -i inventory/orchestrator_inventory.py --graph
    ORCHESTRATOR=/opt/bin/orchestrator ansible-inventory -i … --host fe01

Groups are ``site_…``, ``pool_…`` and ``role_…``. No credential is in it: connection
settings with secrets belong to Ansible's own vault. It needs nothing but Python; the
program that it calls is ``orchestrator`` on the path, or ``$ORCHESTRATOR``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any

#: Seconds for the program to answer.
ANSWER_SECONDS = 120


def main() -> int:
    """Print what Ansible asks for; an error is one line on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    wanted = parser.add_mutually_exclusive_group(required=True)
    wanted.add_argument("--list", action="store_true", help="the whole estate")
    wanted.add_argument("--host", metavar="NAME", help="one server's variables")
    arguments = parser.parse_args()
    program = os.environ.get("ORCHESTRATOR", "orchestrator")
    try:
        inventory = export(program)
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        sys.stderr.write(f"no inventory from {program}: {told_by(error)}\n")
        return 1
    if arguments.host:
        inventory = inventory["_meta"]["hostvars"].get(arguments.host, {})
    sys.stdout.write(json.dumps(inventory, indent=2) + "\n")
    return 0


def export(program: str) -> dict[str, Any]:
    """The program's answer, in the form of a ``--list`` script."""
    answer = subprocess.run(  # noqa: S603, TID251 - it is this script's whole purpose
        [program, "inventory", "export", "--to", "ansible", "--format", "json"],
        check=True,
        capture_output=True,
        text=True,
        timeout=ANSWER_SECONDS,
    )
    found: dict[str, Any] = json.loads(answer.stdout)["data"]["inventory"]
    return found


def told_by(error: Exception) -> str:
    """The program's own sentence where it gave one."""
    if isinstance(error, subprocess.CalledProcessError):
        return str(error.stderr or error.stdout or error).strip()[-1000:]
    return str(error) or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
