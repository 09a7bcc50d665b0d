"""Instants on both clocks, and the detector of a wall clock that was set."""

from __future__ import annotations

from typing import Final, NamedTuple

from servicekit.clock import Clock

JUMP_SECONDS: Final = 2.0
"""A smaller difference is drift, or the slewing of NTP: dates that were given out already keep their value."""


class Instant(NamedTuple):
    """One instant on both clocks: `monotonic` for durations, `wall` (Unix seconds) for dates."""

    monotonic: float
    wall: float

    def at(self, monotonic: float) -> Instant:
        """Return the instant at `monotonic` by the same pair of clocks."""
        return Instant(monotonic, self.wall - (self.monotonic - monotonic))


class ClockJumpDetector:
    """Reads both clocks and detects a jump of the wall clock against the monotonic one. Not thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.time() - clock.monotonic()

    def read(self) -> tuple[Instant, float]:
        """Return the present instant, and by how many seconds the wall clock was set since the last call."""
        instant = Instant(self._clock.monotonic(), self._clock.time())
        offset = instant.wall - instant.monotonic
        jump = offset - self._offset
        if abs(jump) < JUMP_SECONDS:
            return instant, 0.0
        self._offset = offset
        return instant, jump
