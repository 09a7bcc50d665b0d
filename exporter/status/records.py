"""What the monitor keeps on disk, as plain values: the status writes them, the journal stores them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from exporter.status.checkpoint import Checkpoint
from exporter.status.sessions import SESSIONS_LIMIT, Session

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


class PersistedState(NamedTuple):
    """What the journal holds when the monitor starts."""

    checkpoint: Checkpoint | None = None
    sessions: tuple[Session, ...] = ()
    """The one used last comes last."""


@dataclass(slots=True)
class Batch:
    """Changes not yet on disk; they are written together or not at all. Bounded: the newest rows and sessions stay."""

    checkpoint: Checkpoint | None = None
    transitions: deque[Transition] = field(default_factory=lambda: deque(maxlen=UNWRITTEN_LIMIT))
    alerts: deque[Alert] = field(default_factory=lambda: deque(maxlen=UNWRITTEN_LIMIT))
    sessions: dict[str, Session] = field(default_factory=dict)
    """The one used last comes last."""
    shifts: dict[int, float] = field(default_factory=dict)
    """The clock was set: the rows of a run that are on disk were dated so many seconds too early."""

    def absorb(self, later: Batch) -> None:
        """Add the changes of `later`, which happened after these."""
        self.checkpoint = later.checkpoint or self.checkpoint
        for run, seconds in later.shifts.items():
            self._redate(run, seconds)
        self.transitions.extend(later.transitions)
        self.alerts.extend(later.alerts)
        for name, session in later.sessions.items():
            self.sessions.pop(name, None)  # so that the order stays that of use
            self.sessions[name] = session
        while len(self.sessions) > SESSIONS_LIMIT:
            del self.sessions[next(iter(self.sessions))]

    def _redate(self, run: int, seconds: float) -> None:
        self.shifts[run] = self.shifts.get(run, 0.0) + seconds
        for number, stay in enumerate(self.transitions):
            if stay.run == run:
                self.transitions[number] = stay._replace(entered=stay.entered + seconds)
        for number, alert in enumerate(self.alerts):
            if alert.run == run:
                self.alerts[number] = alert._replace(timestamp=alert.timestamp + seconds)
