"""The initial state of a run: a fresh start, or where the run before left off with the time since then added."""

from __future__ import annotations

from typing import Final, NamedTuple

from exporter.states import BY_NAME, IDLE
from exporter.status.checkpoint import Checkpoint
from exporter.status.clock import Instant
from exporter.status.records import Transition
from exporter.status.timeline import Timeline

CHECKPOINT_SECONDS: Final = 30.0
"""Longest time between two checkpoints."""
HELD_SECONDS: Final = CHECKPOINT_SECONDS + 1.0
"""Longest time for which the state counts as continued while no monitor runs."""
CLOCK_DRIFT_TOLERANCE: Final = 0.1
"""Seconds that the wall clock may drift from the monotonic one between a checkpoint and the next start."""
_MAX_UNSAVED_SECONDS: Final = 5.0


class InitialState(NamedTuple):
    """What a run begins with."""

    timeline: Timeline
    stale: bool
    heard: float
    """Monotonic time from which the TTL runs."""
    finished: Transition | None = None
    """The transition that ended while no monitor ran."""


def max_unsaved_seconds(ttl: float) -> float:
    """Return for how many seconds reports that change nothing may remain unsaved, with a TTL of `ttl` seconds."""
    return min(_MAX_UNSAVED_SECONDS, ttl / 4)


def fresh_start(now: Instant, run: int) -> InitialState:
    """Return the initial state of a monitor without a checkpoint."""
    return InitialState(Timeline(IDLE, now, run=run, last_id=0), stale=False, heard=now.monotonic)


def resume(stored: Checkpoint, now: Instant) -> InitialState:
    """Continue from `stored`. The time of silence continues too, so that a dead reporter's light expires as usual."""
    away = now.wall - stored.written  # negative where the clock went back
    if -CLOCK_DRIFT_TOLERANCE < away < 0.0:
        away = 0.0
    is_short = 0.0 <= away < HELD_SECONDS
    held = away if is_short else 0.0 if stored.clean else HELD_SECONDS
    silent = stored.silent + max(away, held)
    state = BY_NAME[stored.state]
    stale = stored.stale or silent >= stored.ttl
    is_over = stale and state is not IDLE
    lasted = min(held, max(0.0, stored.ttl - stored.silent)) if is_over else held
    counted = held if is_short else lasted
    entered = Instant(now.monotonic - stored.in_state - counted, stored.entered)
    timeline = Timeline.resume(state, entered, now, run=stored.run + 1, last_id=stored.transition_id)
    finished = None
    if is_over:
        finished = timeline.begin(IDLE, now.at(now.monotonic - (counted - lasted)))
    elif lasted < away:
        finished = timeline.begin(state, now)  # a long absence is a gap in the history, not more of the same
    return InitialState(timeline, stale, now.monotonic - silent, finished)
