"""Python's types of parsed JSON are told apart as JSON means them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from servicekit.json_types import is_count, is_integer, is_number, kind


@pytest.mark.parametrize(
    ("value", "integer", "count", "number"),
    [
        (0, True, True, True),
        (7, True, True, True),
        (-1, True, False, True),
        (0.5, False, False, True),
        (True, False, False, False),
        (math.inf, False, False, False),
        (math.nan, False, False, False),
        ("1", False, False, False),
        (None, False, False, False),
        ([], False, False, False),
    ],
)
def test_a_boolean_is_no_number_and_neither_is_infinity(value: Any, integer: bool, count: bool, number: bool) -> None:
    assert (is_integer(value), is_count(value), is_number(value)) == (integer, count, number)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (None, "null"),
        (True, "a boolean"),
        (1, "a number"),
        (1.5, "a number"),
        ("", "a string"),
        ([], "an array"),
        ({}, "an object"),
    ],
)
def test_every_json_type_has_a_name_for_error_messages(value: Any, name: str) -> None:
    assert kind(value) == name
