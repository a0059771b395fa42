"""The registry keeps letter case, ignores it, and tells absent from empty."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lab.windows.registry import RegData, Registry, RegType

KEY = "HKLM\\SOFTWARE\\Lab"


def test_letter_case_is_kept_and_ignored() -> None:
    registry = Registry()
    registry.set(KEY, "Value", 1)
    assert registry.data("hklm\\software\\LAB", "VALUE") == 1
    assert registry.keys("HKLM\\SOFTWARE") == ["Lab"]
    assert [value.name for value in registry.values(KEY) or ()] == ["Value"]


def test_an_absent_key_is_not_an_empty_one() -> None:
    registry = Registry()
    registry.create(KEY)
    assert registry.keys(KEY) == []
    assert registry.values(KEY) == []
    assert registry.keys(f"{KEY}\\Other") is None
    assert registry.values(f"{KEY}\\Other") is None


def test_deleting_a_key_takes_what_is_below() -> None:
    registry = Registry()
    registry.set(f"{KEY}\\A\\B", "v", "x")
    assert list(registry.walk(KEY)) == [f"{KEY}\\A", f"{KEY}\\A\\B"]
    assert registry.delete(f"{KEY}\\A")
    assert not registry.delete(f"{KEY}\\A")
    assert list(registry.walk(KEY)) == []


def test_deleting_a_value_says_whether_it_was_there() -> None:
    registry = Registry()
    registry.set(KEY, "v", "x")
    assert registry.delete_value(KEY, "V")
    assert not registry.delete_value(KEY, "V")


@given(
    st.integers(0, 2**32 - 1) | st.text() | st.binary() | st.lists(st.text()).map(tuple)
)
def test_data_comes_back_with_the_type_of_its_kind(data: RegData) -> None:
    registry = Registry()
    registry.set(KEY, "v", data)
    value = registry.value(KEY, "v")
    assert value is not None
    assert value.data == data
    assert (
        value.kind
        is {
            int: RegType.DWORD,
            str: RegType.SZ,
            bytes: RegType.BINARY,
            tuple: RegType.MULTI_SZ,
        }[type(data)]
    )
