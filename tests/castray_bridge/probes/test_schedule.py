"""When a node is probed: numbers, without a clock."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from castray_bridge.probes.schedule import ProbeSettings, Schedule

WAIT = 0.5
LONG_POLL = "/api/status?wait=0.5&since=7"


def polled(refresh: float = 1.0) -> Schedule:
    return Schedule(refresh, wait=0.0, now=100.0)


def gaps(schedule: Schedule, count: int, conclude: Callable[[float], None]) -> list[float]:
    """Return the intervals between `count` probes, each started when due and concluded at once."""
    moments = []
    for _ in range(count + 1):
        moments.append(schedule.due)
        schedule.start(schedule.due)
        conclude(schedule.due)
    return [round(after - before, 6) for before, after in itertools.pairwise(moments)]


def test_new_node_is_probed_at_once_and_then_at_every_refresh() -> None:
    schedule = polled(refresh=2.0)
    assert schedule.due == 100.0
    assert schedule.start(100.0) == "/api/status"
    schedule.succeeded(7, 100.9)
    assert schedule.due == 102.0  # from start to start, however long the reply takes
    assert schedule.start(102.0) == "/api/status"


def test_node_that_answers_badly_is_probed_at_doubled_distances_up_to_15_seconds() -> None:
    schedule = polled()
    assert gaps(schedule, 7, lambda now: schedule.failed(connected=True)) == [1, 2, 4, 8, 15, 15, 15]


def test_host_that_does_not_answer_is_probed_at_least_every_1_9_seconds() -> None:
    schedule = polled()
    assert gaps(schedule, 5, lambda now: schedule.failed(connected=False)) == [1, 1.9, 1.9, 1.9, 1.9]


@pytest.mark.parametrize(("connected", "distance"), [(True, 15.0), (False, 1.9)])
def test_bounds_hold_for_a_slow_refresh_and_after_years(connected: bool, distance: float) -> None:
    schedule = polled(refresh=60.0)
    assert set(gaps(schedule, 10_000, lambda now: schedule.failed(connected))) == {distance}


@pytest.mark.parametrize("refresh", [0.1, 0.5, 1.0, 5.0, 60.0])
@pytest.mark.parametrize("back_at", [103.0, 111.7, 160.0, 4000.0])
def test_return_of_a_host_is_seen_within_two_seconds_however_long_it_was_away(refresh: float, back_at: float) -> None:
    schedule = polled(refresh)
    while schedule.due < back_at:
        schedule.start(schedule.due)
        schedule.failed(connected=False)
    assert schedule.due - back_at < 2.0


def test_success_ends_the_back_off_at_once() -> None:
    schedule = polled()
    gaps(schedule, 6, lambda now: schedule.failed(connected=True))
    started = schedule.due
    schedule.start(started)
    schedule.succeeded(7, started + 0.1)
    assert schedule.due == started + 1.0
    schedule.start(schedule.due)
    schedule.failed(connected=True)
    assert schedule.due == started + 2.0


def test_rejoined_node_is_probed_at_once_and_without_a_long_poll() -> None:
    schedule = Schedule(1.0, WAIT, 100.0)
    schedule.start(100.0)
    schedule.succeeded(7, 100.0)
    for _ in range(5):
        schedule.failed(connected=True)
    schedule.rejoined(200.0)
    assert schedule.due == 200.0
    assert schedule.start(200.0) == "/api/status"
    schedule.failed(connected=True)
    assert schedule.due == 201.0


def test_long_poll_follows_the_first_answer_without_a_pause() -> None:
    schedule = Schedule(1.0, WAIT, 100.0)
    assert schedule.start(100.0) == "/api/status"
    schedule.succeeded(7, 100.01)
    assert schedule.due == 100.01
    assert schedule.start(100.01) == LONG_POLL
    schedule.succeeded(7, 100.52)  # nothing changed meanwhile
    assert schedule.due == 100.52
    assert schedule.start(100.52) == LONG_POLL


def test_long_poll_that_is_answered_early_without_a_change_is_no_long_poll() -> None:
    """The monitor has too many waiting, or ignores `wait`."""
    schedule = Schedule(1.0, WAIT, 100.0)
    schedule.start(100.0)
    schedule.succeeded(7, 100.0)
    schedule.start(100.0)
    schedule.succeeded(7, 100.2)
    assert schedule.due == 101.0


def test_monitor_without_versions_is_polled() -> None:
    schedule = Schedule(1.0, WAIT, 100.0)
    schedule.start(100.0)
    schedule.succeeded(None, 100.1)
    assert schedule.due == 101.0
    assert schedule.start(101.0) == "/api/status"


def test_after_a_failure_the_request_is_plain() -> None:
    schedule = Schedule(1.0, WAIT, 100.0)
    schedule.start(100.0)
    schedule.succeeded(7, 100.0)
    schedule.start(100.0)
    schedule.failed(connected=True)
    assert schedule.start(101.0) == "/api/status"


def test_node_that_changes_all_the_time_is_probed_in_a_burst_of_five_and_then_ten_times_a_second() -> None:
    schedule = Schedule(1.0, WAIT, 100.0)
    versions = iter(range(1000))
    found = gaps(schedule, 30, lambda now: schedule.succeeded(next(versions), now))
    assert found[:4] == [0.0] * 4
    assert found[5:] == [0.1] * 25


def test_quiet_node_gets_its_burst_again_and_no_more() -> None:
    schedule = Schedule(1.0, WAIT, 100.0)
    versions = iter(range(1000))
    gaps(schedule, 30, lambda now: schedule.succeeded(next(versions), now))
    schedule.start(1000.0)
    schedule.succeeded(next(versions), 1000.0)
    found = gaps(schedule, 10, lambda now: schedule.succeeded(next(versions), now))
    assert found.count(0.0) == 4


@pytest.mark.parametrize(
    ("nodes", "wait"), [(1, 0.5), (23, 0.5), (100, 0.5), (150, 0.75), (200, 1.0), (1000, 1.0), (10_000, 1.0)]
)
def test_long_polls_of_many_nodes_are_longer_but_not_than_the_refresh(nodes: int, wait: float) -> None:
    assert ProbeSettings().wait_for(nodes) == wait
    assert ProbeSettings(workers=1).wait_for(nodes) == wait  # threads do not matter


def test_long_poll_is_bounded_by_the_settings_and_by_the_monitor() -> None:
    assert ProbeSettings(timeout=0.4, refresh=0.1).wait_for(1000) == 0.2
    assert ProbeSettings(refresh=3.0).wait_for(1000) == 3.0
    assert ProbeSettings(refresh=60.0).wait_for(10_000) == 25.0


def test_long_poll_leaves_half_of_the_timeout_for_the_reply() -> None:
    assert ProbeSettings().budget(0.0) == 1.0
    assert ProbeSettings().budget(0.5) == 1.0
    assert ProbeSettings().budget(1.0) == 1.5


def test_node_that_loses_its_place_is_polled_at_every_refresh() -> None:
    schedule = Schedule(1.0, WAIT, 100.0)
    schedule.start(100.0)
    schedule.succeeded(7, 100.0)
    schedule.long_poll(0.0)
    assert schedule.start(100.0) == "/api/status"
    schedule.succeeded(7, 100.1)
    assert schedule.due == 101.0
    schedule.long_poll(WAIT)
    assert schedule.start(101.0) == LONG_POLL
