"""Durations of inferences, counted per bucket."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Final

BOUNDS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets in seconds: a small model on a board takes from 5 ms to a few seconds."""


class Histogram:
    """Counts of durations per bucket of `BOUNDS` and beyond, and their sum in seconds. Not thread-safe."""

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total_seconds = 0.0

    def observe(self, durations: Iterable[float]) -> None:
        """Add durations in seconds."""
        for seconds in durations:
            self.counts[bisect_left(BOUNDS, seconds)] += 1
            self.total_seconds += seconds


def cumulative(counts: Sequence[int]) -> list[tuple[str, float]]:
    """Return Prometheus' buckets `(le, count of durations up to le)` for `counts` per bucket."""
    bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
    return [(bound, float(count)) for bound, count in zip(bounds, accumulate(counts))]
