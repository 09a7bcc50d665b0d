"""Lists and lines that fit into a number of bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.fitting import Lines, listing, shortened, size
from notify.wording import EN, ZH


@pytest.mark.parametrize(
    ("room", "shown"),
    [
        (100, "M1, M2, M3"),
        (10, "M1, M2, M3"),
        (9, "and 3 more"),
        (18, "M1, M2, M3"),
        (0, "and 3 more"),
    ],
)
def test_list_is_whole_or_ends_with_what_is_left(room: int, shown: str) -> None:
    assert listing(["M1", "M2", "M3"], EN, room) == shown


def test_list_in_chinese_counts_bytes_not_letters() -> None:
    names = ["东区一号", "东区二号", "东区三号"]
    assert listing(names, ZH, 42) == "、".join(names)
    assert listing(names, ZH, 41) == "东区一号、另有 2 个"


@pytest.mark.parametrize(
    ("room", "shown"), [(15, "东区一号节"), (12, "东区一…"), (11, "东区…"), (14, "东区一…"), (3, "…")]
)
def test_text_is_cut_between_letters_not_within_one(room: int, shown: str) -> None:
    assert shortened("东区一号节", room) == shown
    assert size(shown) <= room


@given(st.lists(st.text(min_size=1, max_size=30), min_size=1, max_size=40), st.integers(20, 500))
def test_list_never_needs_more_room_than_it_has(names: list[str], room: int) -> None:
    assert size(listing(names, EN, room)) <= room


def test_reserved_lines_keep_their_room() -> None:
    lines = Lines(30)
    kept = lines.reserve(["0123456789", "too long for this share"], 0.5)
    assert kept == ["0123456789"]
    lines.add("a" * 19)  # one byte too many beside it
    lines.add("b" * 18)
    lines.take_reserved(kept)
    assert lines.taken == ["b" * 18, "0123456789"]
