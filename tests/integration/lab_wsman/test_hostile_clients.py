"""A broken client may hurt itself, never the service."""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterator

import pytest
import spnego
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.lab.wsman import Endpoint, Listener, Service
from orchestrator.lab.wsman.sealing import SPNEGO, SealingError, seal, unseal
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.clients import Client, identify_masked
from tests.integration.lab_wsman.fake_computer import PASSWORD, FakeComputer

CASES = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def target() -> Iterator[Listener]:
    with Service([Endpoint("127.0.0.31", 0, FakeComputer())]) as service:
        yield service.listeners[0]


def exchange(target: Listener, data: bytes) -> bytes:
    """Send bytes, say there are no more, and read until the service closes."""
    with socket.create_connection((target.address, target.port), timeout=5) as wire:
        answer = b""
        with contextlib.suppress(ConnectionError):
            wire.sendall(data)
            wire.shutdown(socket.SHUT_WR)
            while piece := wire.recv(65_536):
                answer += piece
        return answer


def http(body: bytes, *headers: str) -> bytes:
    lines = [
        "POST /wsman HTTP/1.1",
        "Host: server",
        "Content-Type: application/soap+xml;charset=UTF-8",
        *headers,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


MASKED = "WSMANIDENTIFY: unauthenticated"
HEAD = http(soap.IDENTIFY, MASKED)
NEGOTIATE = base64.b64encode(
    spnego.client("a", "b", protocol="ntlm").step() or b""
).decode()
DANCE = http(b"", f"Authorization: Negotiate {NEGOTIATE}")


def mutations(sample: bytes) -> st.SearchStrategy[bytes]:
    """A sample that is cut, or has some bytes replaced or pieces repeated."""
    places = st.integers(0, len(sample) - 1)
    cut = places.map(lambda at: sample[:at])
    spliced = st.tuples(places, places, st.binary(max_size=40)).map(
        lambda found: sample[: found[0]] + found[2] + sample[found[1] :]
    )
    return cut | spliced


@CASES
@given(data=st.binary(max_size=400) | mutations(HEAD) | mutations(DANCE))
def test_the_service_answers_or_closes_and_serves_the_next(
    target: Listener, data: bytes
) -> None:
    answer = exchange(target, data)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 ")
    assert identify_masked(target).status_code == 200


@CASES
@given(token=st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode()))
def test_a_broken_token_is_challenged_again(target: Listener, token: str) -> None:
    answer = exchange(target, http(b"", f"Authorization: Negotiate {token}"))
    assert answer.startswith(b"HTTP/1.1 401 ")


def authenticate_message(at: int, value: bytes) -> bytes:
    """A real AUTHENTICATE message with some bytes replaced."""
    client = spnego.client("LAB\\operator", PASSWORD, protocol="ntlm")
    client.step()
    message = bytearray(
        client.step(
            base64.b64decode(
                "TlRMTVNTUAACAAAACAAIADgAAAAFgoqiASNFZ4mrze8AAAAAAAAAABgAGABAAAAA"
                "BgBwFwAAAA9UAEUAUwBUAAIACABUAEUAUwBUAAEACABIAE8AUwBUAAAAAAA="
            )
        )
        or b""
    )
    at = min(at, len(message))
    message[at : at + len(value)] = value
    return bytes(message)


@CASES
@given(at=st.integers(8, 120), value=st.binary(max_size=8))
def test_a_mutated_proof_proves_nothing(
    target: Listener, at: int, value: bytes
) -> None:
    proof = base64.b64encode(authenticate_message(at, value)).decode()
    second = http(b"", f"Authorization: Negotiate {proof}")
    answer = exchange(target, DANCE + second)
    assert answer.count(b"HTTP/1.1 401 ") == 2
    assert b"HTTP/1.1 200" not in answer


@CASES
@given(message=mutations(soap.request(soap.ENUMERATE, soap.ALL, soap.enumerate_body())))
def test_a_mutated_message_under_a_right_seal_gets_soap(
    sealed_client: Client, message: bytes
) -> None:
    with contextlib.suppress(Exception):  # what it says is another test's matter
        sealed_client.send(message)
    assert "Stack: 1.1" in sealed_client.send(soap.IDENTIFY)


@pytest.fixture(scope="module")
def sealed_client(target: Listener) -> Iterator[Client]:
    with Client(target) as client:
        yield client


class Reversing:
    """A seal that only turns a message round."""

    class Wrapped:
        header = b"SIGN"
        padding_length = 0

        def __init__(self, data: bytes) -> None:
            self.data = data

    def wrap_winrm(self, data: bytes) -> Wrapped:
        return self.Wrapped(data[::-1])

    def unwrap_winrm(self, header: bytes, data: bytes) -> bytes:
        if header != b"SIGN":
            raise ValueError(header)
        return data[::-1]


@given(message=st.binary(max_size=300))
def test_a_sealed_message_opens_to_itself(message: bytes) -> None:
    body = seal(Reversing(), SPNEGO, message, "UTF-8").body
    assert unseal(Reversing(), body) == message


@given(
    body=st.binary(max_size=200)
    | mutations(seal(Reversing(), SPNEGO, b"abc" * 9, "UTF-8").body)
)
def test_a_broken_sealed_body_opens_or_is_refused(body: bytes) -> None:
    with contextlib.suppress(SealingError):
        assert isinstance(unseal(Reversing(), body), bytes)


def test_a_head_without_end_is_refused(target: Listener) -> None:
    assert b"HTTP/1.1 4" in exchange(
        target, b"POST /wsman HTTP/1.1\r\nA: " + b"a" * 70_000
    )


def test_a_body_beyond_all_bounds_is_cut_off(target: Listener) -> None:
    head = http(b"", MASKED).replace(b"Content-Length: 0", b"Content-Length: 999999999")
    assert exchange(target, head + b"x" * (17 * 1024 * 1024)) == b""
    assert identify_masked(target).status_code == 200
