"""Access to JSON of unknown shape."""

from __future__ import annotations

import math
from typing import Any

import pytest

from castray_bridge.sources import json_access

TREE = {"a": {"b": {"c": "text"}, "list": [1, {"x": 1}, "y", {"z": 2}]}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        (("a", "b", "c"), "text"),
        (("a", "b"), {"c": "text"}),
        (("a", "x", "c"), None),
        (("a", "list", "c"), None),
        ((), TREE),
    ],
)
def test_member_is_found_by_its_path(path: tuple[str, ...], found: Any) -> None:
    assert json_access.at(TREE, *path) == found


def test_string_is_empty_where_there_is_none() -> None:
    assert json_access.text(TREE, "a", "b", "c") == "text"
    assert json_access.text(TREE, "a", "b") == json_access.text(None, "a") == json_access.text(7) == ""


@pytest.mark.parametrize("value", [True, None, "7", [], math.inf, math.nan, 1e301, -(10**400)])
def test_value_that_is_no_usable_number_reads_as_0(value: Any) -> None:
    assert not json_access.is_number(value)
    assert json_access.number(value) == 0


@pytest.mark.parametrize("value", [0, -7, 2.5, 1e300, 10**30])
def test_number_reads_as_itself(value: float) -> None:
    assert json_access.number(value) == value


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(1500, 1.5), ("1500", 1.5), ("-1", 0), ("1.5", 0), ("٣", 0), (None, 0), ("9" * 500, 99999999999999999.999)],
)
def test_milliseconds_are_a_number_or_digits(value: Any, seconds: float) -> None:
    assert json_access.unix_seconds(value) == pytest.approx(seconds)


def test_containers_are_empty_where_there_are_none() -> None:
    assert json_access.mapping([1]) == {}
    assert json_access.items({"a": 1}) == []
    assert json_access.rows(TREE["a"]["list"]) == [{"x": 1}, {"z": 2}]
    assert json_access.rows("rows") == []
