"""A scenario file says what it means, or what is wrong with it and where."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lab import scenario
from orchestrator.lab.scenario import Assignment, ScenarioError
from orchestrator.lab.traits import MEANINGS, Trait, Wire, apply
from orchestrator.lab.windows.profile import Profile

SCHEMA = json.loads(
    (Path(scenario.__file__).parent / "scenario.schema.json").read_text("utf-8")
)


def parse(text: str) -> scenario.Scenario:
    return scenario.parse(text.encode(), "s.yml")


def test_an_empty_file_is_the_plain_estate() -> None:
    assert parse("") == scenario.Scenario()


def test_traits_are_read_by_name_and_by_share() -> None:
    found = parse(
        """
        servers: 100
        speed: 2.5
        timing: {install: 7}
        traits:
          - {trait: slow, servers: lcs01fe1, value: 1.5}
          - {trait: installer, share: 0.25, value: hang}
        """
    )
    assert (found.servers, found.speed, found.timing.install) == (100, 2.5, 7)
    assert found.assignments == (
        Assignment(Trait.SLOW, ("lcs01fe1",), value=1.5),
        Assignment(Trait.INSTALLER, share=0.25, value="hang"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a", "s.yml: expected names with values"),
        ("a: [", "s.yml: not YAML"),
        ("\x00", "s.yml: not YAML"),
        ("server: 3", "s.yml: unknown field 'server'; known are package_padding"),
        ("servers: many", "s.yml: servers: expected a whole number, found 'many'"),
        ("servers: 2.5", "servers: expected a whole number"),
        ("servers: true", "servers: expected a whole number"),
        ("servers: 0", "servers: expected 1 to 10000, found 0"),
        ("speed: -1", "speed: expected 0.01 to 10000"),
        ("timing: 3", "timing: expected names"),
        ("timing: {instal: 3}", "timing: unknown field 'instal'"),
        ("traits: {a: b}", "traits: expected a list"),
        ("traits: [slow]", "traits[0]: expected names"),
        ("traits: [{trait: fast, share: 1}]", "traits[0]: unknown trait 'fast'"),
        ("traits: [{share: 1}]", "traits[0]: unknown trait None"),
        ("traits: [{trait: slow}]", "give either servers or share"),
        ("traits: [{trait: slow, share: 1, servers: a}]", "either servers or share"),
        ("traits: [{trait: slow, share: 2}]", "share: expected 0 to 1"),
        ("traits: [{trait: slow, servers: 3}]", "servers: expected names"),
        ("traits: [{trait: slow, share: 1, value: x}]", "expected a number"),
        ("traits: [{trait: slow, share: 1, value: -1}]", "expected 0 or more"),
        ("traits: [{trait: fixed, share: 1, value: 3}]", "takes no value"),
        ("traits: [{trait: language, share: 1, value: XXX}]", "expected one of ENU"),
        ("traits: [{trait: low-disk, share: 1, unit: MB}]", "unknown field 'unit'"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        parse(text)
    assert message in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"none\.yml: cannot be read"):
        scenario.load(tmp_path / "none.yml")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yml"
    path.write_bytes(b"#" * (scenario.MAX_FILE + 1))
    with pytest.raises(ScenarioError, match="larger than"):
        scenario.load(path)


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        scenario.parse(raw, "s.yml")
    except ScenarioError as error:
        found: Exception | None = error
    else:
        found = None
    assert found is None or str(found).startswith("s.yml: ")


@pytest.mark.parametrize("trait", list(Trait))
def test_every_trait_changes_the_server_it_is_for(trait: Trait) -> None:
    plain = (Profile("a"), Wire())
    assert apply(trait, None, *plain) != plain


@pytest.mark.parametrize(
    ("row", "field", "expected"),
    [
        ("{trait: stack, share: 1, value: 2.0}", "stack", "2.0"),
        ("{trait: installer, share: 1, value: 3010}", "install_fault", "3010"),
        ("{trait: service-pack, share: 1, value: '2'}", "service_pack", 2),
    ],
)
def test_a_value_means_the_same_with_and_without_quotes(
    row: str, field: str, expected: object
) -> None:
    (found,) = parse(f"traits: [{row}]").assignments
    profile, _ = apply(found.trait, found.value, Profile("a"), Wire())
    assert getattr(profile, field) == expected


def test_the_schema_knows_every_trait() -> None:
    row = SCHEMA["properties"]["traits"]["items"]["properties"]
    known = [one["const"] for one in row["trait"]["oneOf"]]
    assert sorted(known) == sorted(Trait)
    assert all(one["description"] for one in row["trait"]["oneOf"])
    assert set(MEANINGS) == set(Trait)


def test_the_shipped_scenario_follows_the_schema() -> None:
    path = Path(scenario.__file__).parent / "default-scenario.yml"
    jsonschema.validate(yaml.safe_load(path.read_text("utf-8")), SCHEMA)
    assert scenario.default() == scenario.load(path)
