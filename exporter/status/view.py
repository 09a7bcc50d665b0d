"""What the status machine tells its readers: the whole status at one instant, and the receipt of a report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from exporter.report import Totals
from exporter.states import State
from exporter.status.checkpoint import LatestReport


class Receipt(NamedTuple):
    """What the reporter is told: the state after its report, when that was entered, the version."""

    state: State
    entered: float
    version: int


@dataclass(frozen=True, slots=True)
class StatusView:
    """The whole status at one instant. Times in Unix seconds, durations in seconds."""

    state: State
    entered: float
    in_state: float
    stale: bool
    version: int
    latest: LatestReport
    totals: Totals
    seconds: dict[str, float]
    entries: dict[str, int]
    bucket_counts: tuple[int, ...]
    duration_sum: float
    last_report: float | None
    accepted: int
    rejected: int
