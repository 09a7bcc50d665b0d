"""What the state machine shows to its readers: the whole status at one instant, and the receipt of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from exporter.report import Totals
from exporter.states import State
from exporter.status.checkpoint import LatestReport


class Receipt(NamedTuple):
    """The reply to a report: the state after it, when that state was entered, the version."""

    state: State
    entered: float
    version: int


@dataclass(frozen=True)
class ProcessCounters:
    """What this process has counted: everything that `/metrics` exposes as a counter, 0 when the process starts."""

    inputs: Totals
    seconds: dict[str, float]
    """Seconds per state, the current state included."""
    entries: dict[str, int]
    bucket_counts: tuple[int, ...]
    duration_sum: float
    accepted: int
    rejected: int


@dataclass(frozen=True)
class StatusView:
    """The whole status at one instant. Times in Unix seconds, durations in seconds."""

    state: State
    entered: float
    in_state: float
    stale: bool
    version: int
    latest: LatestReport
    totals: Totals
    """Over all runs of the monitor, from the journal."""
    last_report: float | None
    counters: ProcessCounters
