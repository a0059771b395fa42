"""What a unit of work acknowledged outlives its process, killed between any two steps.

Many threads write in groups and tell of each unit when its block has ended. Whatever
was told must be there, as state and as evidence, when the database is opened again.
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from orchestrator.adapters.database import SqlStorage, open_storage
from orchestrator.domain.evidence import Entry, RecordKind
from tests.fixtures.chains import chains_hold
from tests.fixtures.samples import AT
from tests.fixtures.storage import Opener

THREADS = 20
#: Units told before the kill, in each life of the database.
TOLD = (1, 30, 400)

pytestmark = [pytest.mark.slow]


def write_for_ever(url: str, life: str) -> None:
    """Write with many threads, and tell of each unit on standard output."""
    with open_storage(url, writer=life, clock=lambda: datetime.now(UTC)) as storage:
        threads = [
            threading.Thread(target=_write, args=(storage, f"{life}-{number}"))
            for number in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def _write(storage: SqlStorage, name: str) -> None:
    for count in itertools.count():
        server = f"{name}-{count}"
        with storage.begin() as uow:
            uow.evidence.append(Entry(RecordKind.STEP, server, {}))
            uow.facts.put_contact(server, AT, None)
        os.write(sys.stdout.fileno(), f"{server}\n".encode())


def told_until_killed(url: str, life: str, units: int) -> list[str]:
    """Let a process write until it told of so many units, then kill it."""
    program = f"from {__name__} import write_for_ever as w; w({url!r}, {life!r})"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        told = list(itertools.islice(process.stdout, units))
        process.kill()
        # Complete lines only: a unit told in the last moment counts as well.
        told += [line for line in process.stdout if line.endswith("\n")]
    return [line.strip() for line in told]


def test_what_was_acknowledged_is_there_after_a_kill(
    database_url: str, open_again: Opener
) -> None:
    told: list[str] = []
    for number, units in enumerate(TOLD):
        found = told_until_killed(database_url, f"life{number}", units)
        assert len(found) >= units
        told += found
    with open_again().read() as uow:
        contacts = set(uow.facts.contacts())
        assert contacts >= set(told)
        assert {record.subject for record in uow.evidence.records()} == contacts
        assert chains_hold(uow.evidence)
