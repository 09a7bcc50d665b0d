"""One state at a time: transitions, seconds and entries."""

from __future__ import annotations

import pytest

from exporter.states import DETECTING, IDLE, SENDING
from exporter.status.clock import Instant
from exporter.status.records import Transition
from exporter.status.timeline import Timeline
from testkit.per_state import per_state


def at(seconds: float) -> Instant:
    return Instant(monotonic=1000.0 + seconds, wall=50_000.0 + seconds)


def begun() -> Timeline:
    return Timeline(IDLE, at(0), run=3, last_id=7)


def test_transitions_are_numbered_on_and_carry_the_run_that_dated_them() -> None:
    timeline = begun()
    assert timeline.enter(DETECTING, at(2)) == Transition(8, 3, 50_000.0, "idle", 2.0)
    assert timeline.enter(SENDING, at(2.5)) == Transition(9, 3, 50_002.0, "detecting", 0.5)
    assert timeline.last_id == 9


def test_entering_the_current_state_changes_nothing() -> None:
    timeline = begun()
    assert timeline.enter(IDLE, at(5)) is None
    assert (timeline.entered, timeline.last_id, timeline.entries()["idle"]) == (at(0), 7, 0)


def test_seconds_sum_to_the_time_since_the_start_and_entries_count_changes() -> None:
    timeline = begun()
    for state, second in ((DETECTING, 1), (SENDING, 4), (IDLE, 5), (SENDING, 6)):
        timeline.enter(state, at(second))
    assert timeline.seconds(at(16)) == per_state(0.0, idle=2.0, detecting=3.0, sending=11.0)
    assert timeline.entries() == per_state(idle=1, detecting=1, sending=2)


def test_state_of_an_earlier_run_keeps_its_duration_its_date_and_its_run_but_counts_from_now() -> None:
    timeline = Timeline.resume(SENDING, at(-60), at(0), run=4, last_id=2)
    assert timeline.in_state(at(5)) == 65.0
    assert timeline.seconds(at(5))["sending"] == 5.0
    timeline.redate(1e6)
    assert timeline.enter(IDLE, at(5)) == Transition(3, 3, 49_940.0, "sending", 65.0)
    assert timeline.seconds(at(6)) == per_state(0.0, idle=1.0, sending=5.0)


def test_state_of_an_earlier_run_that_ended_before_this_one_began_counts_nothing() -> None:
    timeline = Timeline.resume(SENDING, at(-60), at(0), run=4, last_id=2)
    assert timeline.begin(IDLE, at(-10)).seconds == 50.0
    assert timeline.seconds(at(3)) == per_state(0.0, idle=3.0)
    assert timeline.in_state(at(3)) == 13.0
    assert timeline.entries()["idle"] == 0


def test_wall_clock_that_is_set_moves_the_date_of_entry_and_no_duration() -> None:
    timeline = begun()
    timeline.redate(-400.0)
    assert timeline.entered == Instant(1000.0, 49_600.0)
    assert timeline.in_state(at(2)) == 2.0


@pytest.mark.parametrize("seconds", [-1.0, -1e9])
def test_no_duration_is_negative(seconds: float) -> None:
    timeline = begun()
    assert timeline.in_state(at(seconds)) == 0.0
    assert timeline.begin(IDLE, at(seconds)).seconds == 0.0
