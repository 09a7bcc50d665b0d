"""Whether the loop of a thread still turns: a thread that is stuck is alive for Python."""

from __future__ import annotations

from typing import Final

from servicekit.clock import Clock

STUCK_SECONDS: Final = 20.0
"""One turn of any loop here ends much sooner, its pause left out, whatever others do."""


class Heartbeat:
    """Kept by the loop, read by whoever watches it; `pause` is how many seconds the loop rests in each turn."""

    def __init__(self, clock: Clock, pause: float = 0.0) -> None:
        self._clock = clock
        self._longest = pause + STUCK_SECONDS
        self.beat()

    def beat(self) -> None:
        """Note that a turn begins now."""
        self._at = self._clock.monotonic()

    def is_overdue(self) -> bool:
        """Return whether the last one began too long ago."""
        return self._clock.monotonic() - self._at >= self._longest
