"""Time per state in steps."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicekit.clock import rfc3339
from servicekit.shares import Shares

T = 1_800_000_000.0
"""A multiple of 60."""


def test_steps_begin_at_multiples_of_their_length() -> None:
    shares = Shares(60, T + 30, T + 130)
    assert (shares.begin, shares.end) == (T, T + 180)


def test_time_is_divided_among_the_steps_it_lies_in() -> None:
    shares = Shares(60, T, T + 179)
    shares.add("idle", T + 30, T + 150)
    shares.add("sending", T + 150, T + 150.25)
    assert shares.columns(T) == {
        "begin": rfc3339(T),
        "seconds": {"idle": [30.0, 60.0, 30.0], "sending": [0.0, 0.0, 0.25]},
    }


def test_time_outside_the_steps_is_left_out() -> None:
    shares = Shares(60, T, T + 59)
    shares.add("idle", T - 100, T + 500)
    shares.add("idle", T + 60, T + 70)
    shares.add("idle", T + 20, T + 10)
    assert shares.columns(T)["seconds"] == {"idle": [60.0]}


def test_a_part_of_the_time_is_spread_evenly() -> None:
    shares = Shares(60, T, T + 119)
    shares.add("sending", T + 30, T + 90, 0.5)
    assert shares.columns(T)["seconds"] == {"sending": [15.0, 15.0]}


def test_window_moves_on_and_keeps_what_it_still_covers() -> None:
    shares = Shares(60, T, T + 179)
    shares.add("idle", T, T + 180)
    shares.move_to(T + 60, T + 240)
    shares.add("idle", T + 180, T + 200)
    assert shares.columns(T + 60) == {"begin": rfc3339(T + 60), "seconds": {"idle": [60.0, 60.0, 20.0, 0.0]}}


@pytest.mark.parametrize(("begin", "end"), [(T - 600, T - 500), (T + 10_000, T + 10_100), (T, T + 60)])
def test_window_that_jumps_begins_empty(begin: float, end: float) -> None:
    shares = Shares(60, T, T + 179)
    shares.add("idle", T, T + 180)
    shares.move_to(begin, end)
    assert shares.columns(begin)["seconds"] == {}
    shares.add("idle", begin, begin + 1)
    assert sum(shares.columns(begin)["seconds"]["idle"]) == 1.0


def test_columns_from_a_later_step_are_those_from_there() -> None:
    shares = Shares(60, T, T + 179)
    shares.add("idle", T, T + 180)
    assert shares.columns(T + 125) == {"begin": rfc3339(T + 120), "seconds": {"idle": [60.0]}}


def test_filling_up_takes_no_more_than_a_step_has_room_for_and_only_ended_steps() -> None:
    seen, own = Shares(60, T, T + 179), Shares(60, T, T + 179)
    seen.add("unknown", T, T + 180)
    own.add("idle", T, T + 45)
    own.fill_up("unknown", seen, T + 121)
    assert own.columns(T)["seconds"] == {"idle": [45.0, 0.0, 0.0], "unknown": [15.0, 60.0, 0.0]}


@given(st.lists(st.tuples(st.sampled_from(["idle", "sending"]), st.floats(0, 400)), max_size=30))
def test_no_time_is_lost_or_counted_twice(spans: list[tuple[str, float]]) -> None:
    total = sum(seconds for _, seconds in spans)
    shares, at = Shares(60, T, T + total), T
    for state, seconds in spans:
        shares.add(state, at, at + seconds)
        at += seconds
    columns = shares.columns(T)["seconds"].values()
    assert sum(sum(column) for column in columns) == pytest.approx(total, abs=0.1)
    assert all(sum(step) <= 60.01 for step in zip(*columns))
