"""Tells a wall clock that was set from one that merely runs."""

from __future__ import annotations

from typing import Final, NamedTuple

from servicekit.clock import Clock

JUMP_SECONDS: Final = 2.0
"""A smaller difference is drift or NTP's slewing; dates that already were given out stay as they are."""


class Moment(NamedTuple):
    """One instant on both clocks: `monotonic` for durations, `wall` (Unix seconds) for people."""

    monotonic: float
    wall: float

    def at(self, monotonic: float) -> Moment:
        """Return the instant at `monotonic` by the same pair of clocks."""
        return Moment(monotonic, self.wall - (self.monotonic - monotonic))


class Timekeeper:
    """Reads both clocks and notices when the wall clock jumps against the monotonic one. Not thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.time() - clock.monotonic()

    def read(self) -> tuple[Moment, float]:
        """Return the present moment, and by how many seconds the wall clock was set since last time."""
        moment = Moment(self._clock.monotonic(), self._clock.time())
        offset = moment.wall - moment.monotonic
        jump = offset - self._offset
        if abs(jump) < JUMP_SECONDS:
            return moment, 0.0
        self._offset = offset
        return moment, jump
