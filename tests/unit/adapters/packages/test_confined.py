"""Hostile files end in an answer or a refusal, within bounds, apart from us."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.adapters.packages import confined
from orchestrator.adapters.packages.confined import (
    UnparsableError,
    package_inside,
    version_resources,
)
from orchestrator.adapters.packages.inside import look_inside
from orchestrator.adapters.packages.reader import read_package
from orchestrator.application.ports.files import (
    PackageFacts,
    PackageInside,
    PackageProblem,
)
from orchestrator.domain.authenticode import Demand, DigestAnswer, SignaturePolicy
from orchestrator.domain.version import FileVersion as Version
from tests.fixtures.packages import (
    ENGINE,
    ThrowAwayAuthority,
    cabinet,
    program,
    stored,
)


def test_what_the_child_says_is_what_it_read(tmp_path: Path) -> None:
    content = program(CompanyName="Lab") + cabinet("SP1QFE\\schannel.dll")
    path = stored(tmp_path, content)
    found = package_inside(path)
    assert found == look_inside(path)
    assert found.version == Version(6, 1, 22, 4)
    assert (found.engine, found.engine_version) == tuple(ENGINE.values())
    assert found.cabinet.entries == ("SP1QFE/schannel.dll",)
    assert found.lab


def test_many_files_are_read_in_one_go(tmp_path: Path) -> None:
    good = stored(tmp_path, program(), "good.dll")
    bad = stored(tmp_path, b"no program", "bad.dll")
    first, second = version_resources([good, bad])
    assert first is not None
    assert first.version == Version(6, 1, 22, 4)
    assert second is None


def test_the_child_gets_no_secret_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A child that took it over would stumble over this and end.
    monkeypatch.setenv("PYTHONHOME", "/nowhere")
    monkeypatch.setenv("LD_PRELOAD", "/nowhere/secret.so")
    assert package_inside(stored(tmp_path, program())).engine == "update.exe"
    assert os.environ["PYTHONHOME"] == "/nowhere"


def test_a_parser_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "never.exe")
    monkeypatch.setattr(confined, "TIMEOUT_S", 2.0)
    begun = time.monotonic()
    with pytest.raises(UnparsableError, match="not done after 2 s"):
        package_inside(tmp_path / "never.exe")
    assert time.monotonic() - begun < 20


def test_a_parser_that_dies_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(UnparsableError, match="the parser ended with"):
        package_inside(tmp_path / "not-there.exe")


@pytest.mark.parametrize("engine", ["", "msiexec.exe", "hotfix.exe"])
def test_another_installer_engine_is_refused(tmp_path: Path, engine: str) -> None:
    path = stored(tmp_path, program(**{"Installer Engine": engine}))
    found = read_package(path, pin=None)
    assert isinstance(found, PackageProblem)
    assert found.expected == "update.exe"
    assert (engine or "no installer engine") in found.found


def test_the_engine_is_known_in_any_case(tmp_path: Path) -> None:
    path = stored(tmp_path, program(**{"Installer Engine": "Update.EXE"}))
    assert isinstance(read_package(path, pin=None), PackageFacts)


def test_a_tampered_package_is_refused_and_policy_may_demand_more(
    tmp_path: Path, authority: ThrowAwayAuthority
) -> None:
    path = authority.sign(stored(tmp_path, program()), authority.issue("Signer"))
    assert isinstance(read_package(path, pin=None), PackageFacts)
    strict = SignaturePolicy(Demand.STAMPED)
    refused = read_package(path, pin=None, policy=strict)
    assert isinstance(refused, PackageProblem)
    assert refused.found == "a timestamp that is none"
    content = bytearray(path.read_bytes())
    content[0x220] ^= 1
    tampered = read_package(stored(tmp_path, bytes(content)), pin=None)
    assert isinstance(tampered, PackageProblem)
    assert "another file's" in tampered.found


def assert_bounded(found: PackageInside) -> None:
    assert found.signature.digest is not DigestAnswer.MATCHES
    assert len(found.cabinet.entries) <= 500
    assert len(found.engine) <= 512


@settings(
    max_examples=25,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_damaged_program_never_breaks_the_readers(
    tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(program() + cabinet("SP1QFE\\schannel.dll"))
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(2, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(2, len(content)))
    assert_bounded(look_inside(stored(tmp_path, bytes(content[:cut]))))


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(noise=st.binary(max_size=4096))
def test_noise_that_begins_as_a_program_never_breaks_the_readers(
    tmp_path: Path, noise: bytes
) -> None:
    assert_bounded(look_inside(stored(tmp_path, b"MZ" + noise)))


def test_a_damaged_signature_never_breaks_the_readers(
    tmp_path: Path, authority: ThrowAwayAuthority
) -> None:
    path = authority.sign(stored(tmp_path, program()), authority.issue("Signer"))
    whole = path.read_bytes()
    begins = len(program())
    chance = random.Random(3)  # noqa: S311 -- damage, no secret
    for _ in range(40):
        content = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            content[chance.randrange(begins, len(content))] = chance.randrange(256)
        found = look_inside(stored(tmp_path, bytes(content)))
        assert len(found.signature.certificates) <= 8
