"""What the monitor keeps on disk, as plain values: the status writes them, the journal stores them."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any, Final, NamedTuple

from exporter.totals import Session, Totals

ALERTS_LIMIT: Final = 10_000
TRANSITIONS_LIMIT: Final = 2_000_000
"""About 95 MB. It is a count and not an age, so that a clock that jumps by years deletes nothing; a day is
kept at up to 23 changes of state per second."""
UNWRITTEN_LIMIT: Final = 5_000
"""Alerts and transitions held in memory while the disk takes none; the newest stay."""


class Transition(NamedTuple):
    """One finished stay in a state. Times in Unix seconds, durations in seconds.

    `run` is the start of the monitor whose clock gave `entered`.
    """

    id: int
    run: int
    entered: float
    state: str
    seconds: float


class Alert(NamedTuple):
    """One event of sending. `task_info` is JSON text or None."""

    id: int
    run: int
    timestamp: float
    level: str
    message: str
    task_info: str | None


class Shift(NamedTuple):
    """The clock was set: rows of `run` up to these ids were dated `seconds` too early."""

    run: int
    transition_id: int
    alert_id: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Latest:
    """The content of the latest report that said something new."""

    status: str
    timestamp: float
    current_task: str | None = None
    message: str = ""
    task_info: dict[str, Any] | None = None
    reporter_timestamp: str | float | None = None
    run: int = 0
    """The start of the monitor whose clock gave `timestamp`."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that must go on after a restart, except what `Batch` lists row by row."""

    run: int
    """Number of this start of the monitor."""
    version: int
    state: str
    entered: float
    in_state: float
    """Seconds spent in the current state so far."""
    stale: bool
    ttl: float
    last_report: float | None
    totals: Totals
    seconds: dict[str, float]
    """Seconds per state, the current stay included."""
    entries: dict[str, int]
    bucket_counts: list[int]
    duration_sum: float
    transition_id: int
    """Of the newest finished stay; 0 when there is none."""
    alert_id: int
    latest: Latest
    written: float = 0.0
    """When this was so, by the wall clock."""
    holder: str | None = None
    """The session that set the state; None for a script without one."""

    def to_json(self) -> str:
        """Serialize for the journal."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Snapshot:
        """Read what `to_json` wrote. Raises ValueError when it is something else."""
        try:
            fields = json.loads(text)
            fields["totals"] = Totals(*fields["totals"])
            fields["latest"] = Latest(**fields["latest"])
            return cls(**fields)
        except (TypeError, KeyError) as error:
            raise ValueError(f"not a snapshot: {error}") from None


class Stored(NamedTuple):
    """What the journal holds when the monitor starts."""

    snapshot: Snapshot | None = None
    sessions: tuple[Session, ...] = ()
    """The one used last comes last."""


@dataclass(slots=True)
class Batch:
    """Changes not yet on disk; they are written together or not at all."""

    snapshot: Snapshot | None = None
    transitions: deque[Transition] = field(default_factory=lambda: deque(maxlen=UNWRITTEN_LIMIT))
    alerts: deque[Alert] = field(default_factory=lambda: deque(maxlen=UNWRITTEN_LIMIT))
    sessions: dict[str, Session] = field(default_factory=dict)
    shifts: list[Shift] = field(default_factory=list)

    def absorb(self, later: Batch) -> None:
        """Add the changes of `later`, which happened after these."""
        self.snapshot = later.snapshot or self.snapshot
        self.transitions.extend(later.transitions)
        self.alerts.extend(later.alerts)
        for name, session in later.sessions.items():
            self.sessions.pop(name, None)  # so that the order stays that of use
            self.sessions[name] = session
        self.shifts.extend(later.shifts)
