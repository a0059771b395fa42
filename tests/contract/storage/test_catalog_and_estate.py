"""The catalog and the inventory."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from orchestrator.adapters.database import SqlStorage
from orchestrator.domain.hotfix import Hotfix, Package
from orchestrator.domain.server import (
    Endpoint,
    Firewall,
    Freeze,
    Inventory,
    Link,
    Pool,
    Protection,
    Role,
    Server,
    Site,
)
from tests.fixtures.values import values_of

same_storage = settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def server(name: str) -> Server:
    endpoint = Endpoint("192.0.2.1")
    return Server(name, endpoint, "berlin", Role.FRONT_END, "lcs-2005")


@same_storage
@given(hotfix=values_of(Hotfix), package=values_of(Package))
def test_any_definition_and_package_comes_back(
    storage: SqlStorage, hotfix: Hotfix, package: Package
) -> None:
    with storage.begin() as uow:
        uow.catalog.put_hotfix(hotfix)
        uow.catalog.put_package(package, "/srv/packages/a.exe")
    with storage.read() as uow:
        assert uow.catalog.hotfix(hotfix.article) == hotfix
        assert hotfix in uow.catalog.hotfixes()
        assert package in uow.catalog.packages(package.article)
        assert uow.catalog.package_location(package.sha256) == "/srv/packages/a.exe"


@same_storage
@given(first=values_of(Hotfix), second=values_of(Hotfix))
def test_the_same_article_again_replaces(
    storage: SqlStorage, first: Hotfix, second: Hotfix
) -> None:
    with storage.begin() as uow:
        uow.catalog.put_hotfix(replace(first, article="KB1"))
        uow.catalog.put_hotfix(replace(second, article="KB1"))
        assert uow.catalog.hotfix("KB1") == replace(second, article="KB1")


def test_what_was_never_stored_is_none(storage: SqlStorage) -> None:
    with storage.read() as uow:
        assert uow.catalog.hotfix("KB1") is None
        assert uow.catalog.hotfixes() == ()
        assert uow.catalog.packages("KB1") == ()
        assert uow.catalog.package_location("00") is None
        assert uow.inventory.load() == Inventory()


def test_an_inventory_comes_back_with_its_order(storage: SqlStorage) -> None:
    walls = tuple(
        Firewall(f"fw{n}", ("berlin", "paris"), Protection.ON) for n in range(12)
    )
    estate = Inventory(
        servers={name: server(name) for name in ("b", "a", "ü")},
        pools={"p": Pool("p", "berlin")},
        sites={"berlin": Site("berlin")},
        firewalls=walls[::-1],
        freezes=(Freeze("f", "*", "2026-12-24T00:00", "2026-12-27T00:00", "rest"),),
        links=(Link("z", ("berlin",), 2), Link("a", ("berlin", "paris"), 1)),
    )
    with storage.begin() as uow:
        uow.inventory.save(estate)
    with storage.read() as uow:
        assert uow.inventory.load() == estate


def test_saving_replaces_all_that_may_go(storage: SqlStorage) -> None:
    before = Inventory(
        servers={"a": server("a")},
        pools={"p": Pool("p", "berlin")},
        sites={"s": Site("s")},
    )
    after = Inventory(servers={"a": replace(server("a"), retired=True)})
    for estate in (before, after):
        with storage.begin() as uow:
            uow.inventory.save(estate)
    with storage.read() as uow:
        assert uow.inventory.load() == after


def test_a_server_is_retired_and_never_removed(storage: SqlStorage) -> None:
    with storage.begin() as uow:
        uow.inventory.save(Inventory(servers={"a": server("a")}))
    with pytest.raises(ValueError, match="a must be retired"), storage.begin() as uow:
        uow.inventory.save(Inventory())
