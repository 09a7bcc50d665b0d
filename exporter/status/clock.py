"""Tells a wall clock that was set from one that merely runs."""

from __future__ import annotations

from typing import Final, NamedTuple

from servicekit.clock import Clock

JUMP_SECONDS: Final = 2.0
"""A smaller difference is drift or NTP's slewing; dates that already were given out stay as they are."""


class Instant(NamedTuple):
    """One instant on both clocks: `monotonic` for durations, `wall` (Unix seconds) for people."""

    monotonic: float
    wall: float

    def at(self, monotonic: float) -> Instant:
        """Return the instant at `monotonic` by the same pair of clocks."""
        return Instant(monotonic, self.wall - (self.monotonic - monotonic))


class ClockJumpDetector:
    """Reads both clocks and notices when the wall clock jumps against the monotonic one. Not thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset = clock.time() - clock.monotonic()

    def read(self) -> tuple[Instant, float]:
        """Return the present moment, and by how many seconds the wall clock was set since last time."""
        instant = Instant(self._clock.monotonic(), self._clock.time())
        offset = instant.wall - instant.monotonic
        jump = offset - self._offset
        if abs(jump) < JUMP_SECONDS:
            return instant, 0.0
        self._offset = offset
        return instant, jump
