"""Whatever a host sends ends in rows or in one of this adapter's own failures."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import cast
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.adapters.winrm.faults import AdapterError
from orchestrator.adapters.winrm.files import resource_of
from orchestrator.adapters.winrm.identify import read_identity
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.security import read_descriptor
from orchestrator.adapters.winrm.session import Session
from orchestrator.adapters.winrm.soap import decode_text, fault_of, first, parse
from orchestrator.adapters.winrm.traces import read_log
from orchestrator.adapters.winrm.values import minutes_east
from orchestrator.adapters.winrm.wsman import WsMan

#: 10,000 and more on demand; the usual run samples.
CASES = int(os.environ.get("ORCHESTRATOR_HOSTILE_CASES", "500"))
hostile = settings(max_examples=CASES)

SHAPE = (
    b'<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" '
    b'xmlns:n="http://schemas.xmlsoap.org/ws/2004/09/enumeration" '
    b'xmlns:w="http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd" '
    b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><s:Body>'
    b"<n:EnumerateResponse><n:EnumerationContext>uuid:1</n:EnumerationContext>"
    b"<w:Items><w:XmlFragment><Name>lsass.exe</Name><ProcessId>260</ProcessId>"
    b"<CreationDate><Datetime>2013-04-15T16:28:38.376625Z</Datetime></CreationDate>"
    b'<Path xsi:nil="true"/></w:XmlFragment></w:Items><w:EndOfSequence/>'
    b"</n:EnumerateResponse></s:Body></s:Envelope>"
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    data = bytearray(SHAPE)
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        kind = draw(st.sampled_from(["flip", "cut", "insert", "repeat", "end"]))
        if kind == "flip" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at : at + draw(st.integers(1, 60))]
        elif kind == "insert":
            data[at:at] = draw(st.binary(max_size=20))
        elif kind == "repeat":
            data[at:at] = data[at : at + 200]
        else:
            del data[at:]
    return bytes(data)


class Answering:
    """A session whose host always sends the same."""

    limits = WinRmLimits(max_rows=60)

    def __init__(self, body: bytes) -> None:
        self._body = body

    def call(self, *_: object, **__: object) -> Element:
        envelope = parse(decode_text(self._body))
        found = first(envelope, "Body")
        return found if found is not None else envelope


def survives(read: Callable[[], object]) -> None:
    try:
        read()
    except AdapterError:
        return


@hostile
@given(mutated() | st.binary(max_size=300))
def test_rows_or_a_failure_of_ours(data: bytes) -> None:
    wsman = WsMan(cast("Session", Answering(data)))

    def use() -> None:
        for row in wsman.query("SELECT Name FROM Win32_Process"):
            row.text("Name")
            row.number("ProcessId")
            row.moment("CreationDate")

    survives(use)
    survives(lambda: read_descriptor(wsman, "c:\\x"))
    survives(lambda: fault_of(decode_text(data)))
    survives(lambda: read_identity(decode_text(data)))


@hostile
@given(st.binary(max_size=400))
def test_any_bytes_are_a_log(data: bytes) -> None:
    assert read_log(data, minutes_east(60)).exists


@pytest.mark.parametrize("seed", range(60))
def test_any_bytes_have_a_branch_or_none(seed: int) -> None:
    # Not a property test: pefile collects garbage where it refuses a file, and
    # hypothesis counts the time of that from within.
    data = random.Random(seed).randbytes(40 + seed * 4)  # noqa: S311  # bytes to break a parser with
    assert resource_of(data) is None
    assert resource_of(b"MZ" + data) is None
