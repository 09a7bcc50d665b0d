"""Where the status begins: afresh, or where an earlier run of the monitor left off, with the time since counted in."""

from __future__ import annotations

from typing import Final, NamedTuple

from exporter.states import BY_NAME, IDLE
from exporter.status.checkpoint import Checkpoint
from exporter.status.clock import Instant
from exporter.status.timeline import Stay, Timeline

CHECKPOINT_SECONDS: Final = 30.0
"""Longest time between two snapshots."""
HELD_SECONDS: Final = CHECKPOINT_SECONDS + 1.0
"""Longest time that the state counts as going on while the monitor is away."""
CLOCK_DRIFT_TOLERANCE: Final = 0.1
"""What the wall clock may differ from the monotonic one between a snapshot and the next start."""
_LAG_SECONDS: Final = 5.0


class InitialState(NamedTuple):
    """What a start finds."""

    timeline: Timeline
    stale: bool
    heard: float
    """Monotonic time from which the TTL runs."""
    finished: Stay | None = None
    """The stay that ended while the monitor was away."""


def max_unsaved_seconds(ttl: float) -> float:
    """Return for how many seconds reports that change nothing may stay in memory alone, with a TTL of `ttl` seconds."""
    return min(_LAG_SECONDS, ttl / 4)


def fresh_start(now: Instant) -> InitialState:
    """Return the beginning of a monitor that never ran before."""
    return InitialState(Timeline(IDLE, now), stale=False, heard=now.monotonic)


def resume(stored: Checkpoint, now: Instant) -> InitialState:
    """Go on from `stored`: the silence goes on too, so that restarts do not keep the light of a dead reporter on."""
    away = now.wall - stored.written  # negative where the clock went back
    if -CLOCK_DRIFT_TOLERANCE < away < 0.0:
        away = 0.0
    is_short = 0.0 <= away < HELD_SECONDS
    held = away if is_short else 0.0 if stored.clean else HELD_SECONDS
    silent = stored.silent + max(away, held)
    state = BY_NAME[stored.state]
    stale = stored.stale or silent >= stored.ttl
    is_over = stale and state is not IDLE
    lasted = min(held, _rest(stored)) if is_over else held
    counted = held if is_short else lasted
    timeline = Timeline.resume(
        state,
        now,
        entered_wall=stored.entered,
        in_state=stored.in_state,
        held=counted,
        seconds=stored.seconds,
        entries=stored.entries,
    )
    finished = None
    if is_over:
        finished = timeline.enter(IDLE, now.at(now.monotonic - (counted - lasted)))
    elif lasted < away:
        finished = timeline.begin(state, now)  # a long absence is a gap in the history, not more of the same
    return InitialState(timeline, stale, now.monotonic - silent, finished)


def _rest(stored: Checkpoint) -> float:
    """Return for how many seconds the state can have gone on after `stored`.

    After a `kill -9` some time in state and some reports are not on disk, but were scraped. They are allowed for, else
    a counter would fall and Prometheus see a reset.
    """
    unkept = 0.0 if stored.clean else max_unsaved_seconds(stored.ttl) + 1.0
    return max(0.0, stored.ttl - stored.silent + unkept)
