"""The two clocks a service needs, as one injectable object."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from typing import Protocol


class Clock(Protocol):
    """Source of time. Durations come from `monotonic`, what people read from `time`."""

    def time(self) -> float:
        """Wall-clock time in Unix seconds; may jump in either direction."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary point; never goes back."""
        ...


class SystemClock:
    """The clocks of the operating system."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


def rfc3339(unix_seconds: float) -> str:
    """Format Unix seconds as RFC 3339 in UTC with milliseconds, e.g. `2026-11-24T08:00:00.000+00:00`."""
    return datetime.fromtimestamp(unix_seconds, timezone.utc).isoformat(timespec="milliseconds")
