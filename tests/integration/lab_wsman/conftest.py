from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from orchestrator.lab.wsman import WINRM_1_1, Endpoint, Faults, Listener, Service
from orchestrator.lab.wsman.personality import Personality
from tests.integration.lab_wsman.clients import Client
from tests.integration.lab_wsman.fake_computer import FakeComputer


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as running:
        yield running


@pytest.fixture
def computer() -> FakeComputer:
    return FakeComputer()


Serve = Callable[..., Listener]


@pytest.fixture
def serve(service: Service, computer: FakeComputer) -> Serve:
    def start(
        personality: Personality = WINRM_1_1, faults: Faults | None = None
    ) -> Listener:
        return service.add(
            Endpoint("127.0.0.21", 0, computer, personality, faults or Faults())
        )

    return start


@pytest.fixture
def listener(serve: Serve) -> Listener:
    return serve()


Connect = Callable[..., Client]


@pytest.fixture
def connect(service: Service) -> Iterator[Connect]:
    """Clients that are closed before the service stops."""
    with ExitStack() as open_clients:

        def start(target: Listener, **settings: object) -> Client:
            assert target in service.listeners
            return open_clients.enter_context(Client(target, **settings))

        yield start
