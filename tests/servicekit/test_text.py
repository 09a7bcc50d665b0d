"""Hygiene of text from outside."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.text import NAME_LIMIT, one_line, safe_name


@given(st.text(), st.integers(1, 300))
def test_one_line_never_exceeds_its_limit_nor_holds_anything_unprintable(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert not {unicodedata.category(character) for character in line} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text())
def test_a_safe_name_is_short_stays_as_it_is_and_needs_no_escaping_anywhere(raw: str) -> None:
    name = safe_name(raw)
    assert len(name) <= NAME_LIMIT
    assert safe_name(name) == name
    assert not set(name) & set("<>&\"'`\\/{}()[]; \n\0")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\r\0", "a\\u000ab\\u000d\\u0000"),
        ("\u202eevil", "\\u202eevil"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
        ("检测中 ok", "检测中 ok"),
    ],
)
def test_one_line_escapes_what_would_break_or_disguise_a_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_a_cut_line_ends_in_an_ellipsis() -> None:
    assert one_line("abcdef", 4) == "abc…"


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("M1", "M1"),
        ("<img onerror=alert(1)>", "imgonerroralert1"),
        ("节点 7", "节点7"),
        ("../../etc/passwd", "....etcpasswd"),
        ("\N{FULLWIDTH LESS-THAN SIGN}", ""),
        ("x" * 10_000_000, "x" * NAME_LIMIT),
    ],
)
def test_safe_name_keeps_letters_digits_and_three_marks(raw: str, name: str) -> None:
    assert safe_name(raw) == name
