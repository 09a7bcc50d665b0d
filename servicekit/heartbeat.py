"""Liveness of a thread's loop, because Python calls a stuck thread alive."""

from __future__ import annotations

from typing import Final

from servicekit.clock import Clock, SystemClock

STUCK_SECONDS: Final = 20.0
"""Longest turn of a loop, its pause left out. Every loop of the services takes much less, also under load."""


class Heartbeat:
    """Written by one loop, read by the watchdog. Thread-safe.

    `pause` is how many seconds the loop rests in each turn.
    """

    def __init__(self, clock: Clock | None = None, pause: float = 0.0) -> None:
        self._clock = clock or SystemClock()
        self._limit = pause + STUCK_SECONDS
        self.beat()

    def beat(self) -> None:
        """Note that a turn begins now."""
        self._at = self._clock.monotonic()

    def is_overdue(self) -> bool:
        """Return whether the last turn began longer ago than a turn may take."""
        return self._clock.monotonic() - self._at >= self._limit
