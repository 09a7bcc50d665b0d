"""The detector of a wall clock that was set."""

from __future__ import annotations

import pytest

from exporter.status.clock import JUMP_SECONDS, ClockJumpDetector, Instant
from testkit.clocks import ManualClock


def test_clocks_that_run_together_have_no_jump() -> None:
    clock = ManualClock()
    detector = ClockJumpDetector(clock)
    clock.pass_(1e6)
    assert detector.read() == (Instant(clock.monotonic(), clock.time()), 0.0)


@pytest.mark.parametrize("seconds", [JUMP_SECONDS, -JUMP_SECONDS, 1.5e9, -1.5e9])
def test_jump_is_reported_once(seconds: float) -> None:
    clock = ManualClock()
    detector = ClockJumpDetector(clock)
    clock.set_wall(clock.time() + seconds)
    assert detector.read()[1] == pytest.approx(seconds)
    assert detector.read()[1] == 0.0


def test_drift_is_no_jump_until_it_adds_up_to_one() -> None:
    clock = ManualClock()
    detector = ClockJumpDetector(clock)
    jumps = []
    for _ in range(3):
        clock.set_wall(clock.time() + 0.9)
        jumps.append(detector.read()[1])
    assert jumps == [0.0, 0.0, pytest.approx(2.7)]


def test_instant_at_another_time_keeps_the_distance_of_the_clocks() -> None:
    assert Instant(100.0, 5000.0).at(90.0) == Instant(90.0, 4990.0)
