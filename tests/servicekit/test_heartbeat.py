"""A loop that no longer turns is noticed."""

from __future__ import annotations

from servicekit.heartbeat import STUCK_SECONDS, Heartbeat
from testkit.clocks import ManualClock


def test_loop_that_beats_in_time_is_alive() -> None:
    clock = ManualClock()
    heartbeat = Heartbeat(clock, pause=2.0)
    clock.pass_(2.0 + STUCK_SECONDS - 0.1)
    assert not heartbeat.is_overdue()
    heartbeat.beat()
    clock.pass_(2.0 + STUCK_SECONDS - 0.1)
    assert not heartbeat.is_overdue()


def test_turn_longer_than_pause_and_limit_is_overdue() -> None:
    clock = ManualClock()
    heartbeat = Heartbeat(clock, pause=2.0)
    clock.pass_(2.0 + STUCK_SECONDS)
    assert heartbeat.is_overdue()
    heartbeat.beat()
    assert not heartbeat.is_overdue()
