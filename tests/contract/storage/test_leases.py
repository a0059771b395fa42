"""Leases: one owner at a time, until it expires."""

from __future__ import annotations

from datetime import datetime, timedelta

from orchestrator.adapters.database import SqlStorage
from orchestrator.application.ports.storage import Lease, LeaseHeld
from tests.fixtures.samples import AT
from tests.fixtures.storage import Opener, at_once

MINUTE = timedelta(minutes=1)


def take(
    storage: SqlStorage, owner: str, now: datetime, resource: str = "server:a"
) -> Lease | LeaseHeld:
    with storage.begin() as uow:
        return uow.runs.take_lease(resource, owner, now=now, until=now + MINUTE)


def test_a_free_lease_is_taken(storage: SqlStorage) -> None:
    lease = Lease("server:a", "us", AT + MINUTE)
    assert take(storage, "us", AT) == lease
    with storage.read() as uow:
        assert uow.runs.leases() == (lease,)


def test_a_lease_of_another_is_named(storage: SqlStorage) -> None:
    held = take(storage, "us", AT)
    assert isinstance(held, Lease)
    assert take(storage, "them", AT + MINUTE / 2) == LeaseHeld(held)


def test_ones_own_lease_is_renewed_even_after_it_expired(storage: SqlStorage) -> None:
    take(storage, "us", AT)
    for now in (AT + MINUTE / 2, AT + 5 * MINUTE):
        assert take(storage, "us", now) == Lease("server:a", "us", now + MINUTE)


def test_an_expired_lease_passes_on_at_its_very_end(storage: SqlStorage) -> None:
    take(storage, "us", AT)
    now = AT + MINUTE
    assert take(storage, "them", now) == Lease("server:a", "them", now + MINUTE)
    assert isinstance(take(storage, "us", now), LeaseHeld)


def test_leases_of_different_things_do_not_meet(storage: SqlStorage) -> None:
    take(storage, "us", AT, "server:a")
    assert isinstance(take(storage, "them", AT, "server:b"), Lease)


def test_only_its_owner_gives_a_lease_back(storage: SqlStorage) -> None:
    take(storage, "us", AT)
    with storage.begin() as uow:
        uow.runs.release_lease("server:a", "them")
    assert isinstance(take(storage, "them", AT), LeaseHeld)
    with storage.begin() as uow:
        uow.runs.release_lease("server:a", "us")
        uow.runs.release_lease("server:z", "us")
    assert isinstance(take(storage, "them", AT), Lease)


def test_only_what_is_still_ours_is_renewed(storage: SqlStorage) -> None:
    take(storage, "us", AT, "server:a")
    take(storage, "them", AT, "server:b")
    later = AT + 5 * MINUTE
    with storage.begin() as uow:
        uow.runs.renew_leases(("server:a", "server:b", "server:c"), "us", until=later)
    with storage.read() as uow:
        assert uow.runs.leases() == (
            Lease("server:a", "us", later),
            Lease("server:b", "them", AT + MINUTE),
        )


def test_of_many_that_want_a_lease_one_has_it(
    storage: SqlStorage, open_again: Opener
) -> None:
    storages = (storage, open_again())
    # One that expired is in the way at first.
    take(storage, "before", AT - 2 * MINUTE)
    found = at_once(10, lambda n: take(storages[n % 2], f"owner {n}", AT))
    (winner,) = (lease for lease in found if isinstance(lease, Lease))
    assert all(
        other == LeaseHeld(winner) for other in found if isinstance(other, LeaseHeld)
    )


def test_a_limit_checked_over_all_leases_holds(
    storage: SqlStorage, open_again: Opener
) -> None:
    """Dispatchers of two processes that count before they take never exceed two."""
    storages = (storage, open_again())

    def dispatch(number: int) -> bool:
        with storages[number % 2].begin() as uow:
            if len(uow.runs.leases()) >= 2:
                return False
            uow.runs.take_lease(f"server:{number}", "us", now=AT, until=AT + MINUTE)
            return True

    assert at_once(10, dispatch).count(True) == 2
