"""A host's fault comes whole from another process."""

from __future__ import annotations

import pickle

import pytest

from orchestrator.application.conversation import NoCredentialError, problem_of
from orchestrator.application.ports.hosts import FaultKind, HostFaultError

FAULTS = [
    HostFaultError(FaultKind.BUSY, "fe1", "two shells are open", "wait", late=True),
    NoCredentialError("fe1", "none is named", "name one"),
]


@pytest.mark.parametrize("fault", FAULTS, ids=["fault", "no credential"])
def test_a_fault_is_the_same_after_the_journey(fault: HostFaultError) -> None:
    found = pickle.loads(pickle.dumps(fault))  # noqa: S301 - made in this line
    assert type(found) is type(fault)
    assert str(found) == str(fault)
    assert problem_of(found) == problem_of(fault)
    assert (found.late, found.strained) == (fault.late, fault.strained)
