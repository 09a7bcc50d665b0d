"""What is taken as JSON, and what is refused with a reason."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.strict_json import MAX_DEPTH, MAX_INTEGER, StrictJSONError, loads

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_KEYS = _TEXT.filter(lambda key: key != "__proto__")  # the one key that is refused
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT
)
_KEYS = _TEXT.filter(lambda key: key != "__proto__")  # refused everywhere
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=20,
)


@given(_VALUES)
def test_whatever_python_writes_without_extensions_is_read_back(value: Any) -> None:
    assert loads(json.dumps(value, allow_nan=False).encode()) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_either_parsed_to_sound_json_or_refused_with_that_one_error(raw: bytes) -> None:
    try:
        value = loads(raw)
    except StrictJSONError:
        return
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8")


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "invalid JSON at line 1 column 1"),
        (b"{", "invalid JSON"),
        (b"{'a': 1}", "invalid JSON"),
        (b"{} {}", "invalid JSON"),
        (b"\xff\xfe{}", "invalid UTF-8 at byte 0"),
        (b'"a\xc3"', "invalid UTF-8 at byte 2"),
        (b"NaN", "NaN is not a JSON number"),
        (b"[Infinity]", "Infinity is not a JSON number"),
        (b"-Infinity", "-Infinity is not a JSON number"),
        (b"1e999", "number out of range: 1e999"),
        (b"9007199254740993", "number out of range"),
        (b"1" + b"0" * 400, "number out of range"),
        (b"-" + b"9" * 5000, "number out of range"),
        (b'{"a": 1, "a": 2}', "duplicate key 'a'"),
        (b'{"x": {"a": 1, "a": 1}}', "duplicate key 'a'"),
        (b'{"x": [{"__proto__": {"a": 1}}]}', "key '__proto__' is not accepted"),
        (rb'{"\u005f_proto__": 1}', "key '__proto__' is not accepted"),
        (rb'"\ud800"', r"lone surrogate \ud800"),
        (rb'{"\udfff": 1}', r"lone surrogate \udfff"),
    ],
)
def test_what_is_no_strict_json_is_refused_with_its_reason(raw: bytes, complaint: str) -> None:
    with pytest.raises(StrictJSONError) as refusal:
        loads(raw)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize("depth", [MAX_DEPTH + 1, 10_000, 1_000_000])
@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_past_the_limit_is_refused(depth: int, opening: bytes, closing: bytes) -> None:
    with pytest.raises(StrictJSONError, match="nested deeper"):
        loads(opening * depth + b"1" + closing * depth)


def test_nesting_up_to_the_limit_is_read() -> None:
    assert loads(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_a_paired_surrogate_is_an_ordinary_character() -> None:
    assert loads(rb'"\ud83d\ude00"') == "\N{GRINNING FACE}"


def test_the_largest_exact_integer_is_kept() -> None:
    assert loads(str(-MAX_INTEGER).encode()) == -MAX_INTEGER
