"""What the monitor persists, as plain values: the status makes them, the journal stores them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from exporter.status.checkpoint import Checkpoint
from exporter.status.sessions import SESSIONS_LIMIT, Session

ALERTS_LIMIT: Final = 10_000
TRANSITIONS_LIMIT: Final = 2_000_000
"""About 95 MB. A count and not an age, so that a clock that jumps by years deletes nothing; a day fits at up to 23
changes of state per second."""
UNWRITTEN_LIMIT: Final = 5_000
"""Alerts and transitions held in memory while the disk takes none; the oldest are dropped."""


class Transition(NamedTuple):
    """One finished period in a state: entered at Unix time `entered`, left after `seconds`.

    `run` is the number of the monitor's start whose clock gave `entered`.
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
    """The content of the journal that a start continues from."""

    checkpoint: Checkpoint | None = None
    sessions: tuple[Session, ...] = ()
    """Ordered by last use, the latest last."""


@dataclass
class Batch:
    """Changes not yet on disk, written together or not at all. Bounded: the oldest rows and sessions are dropped."""

    checkpoint: Checkpoint | None = None
    transitions: deque[Transition] = field(default_factory=lambda: deque(maxlen=UNWRITTEN_LIMIT))
    alerts: deque[Alert] = field(default_factory=lambda: deque(maxlen=UNWRITTEN_LIMIT))
    sessions: dict[str, Session] = field(default_factory=dict)
    """Ordered by last use, the latest last."""
    shifts: dict[int, float] = field(default_factory=dict)
    """Seconds by run: the clock was set, the rows of that run on disk are dated so many seconds too early."""

    def absorb(self, later: Batch) -> None:
        """Add the changes of `later`, which are newer than these."""
        self.checkpoint = later.checkpoint or self.checkpoint
        for run, seconds in later.shifts.items():
            self._redate(run, seconds)
        self.transitions.extend(later.transitions)
        self.alerts.extend(later.alerts)
        for name, session in later.sessions.items():
            self.sessions.pop(name, None)  # so that the order remains that of use
            self.sessions[name] = session
        while len(self.sessions) > SESSIONS_LIMIT:
            del self.sessions[next(iter(self.sessions))]

    def _redate(self, run: int, seconds: float) -> None:
        self.shifts[run] = self.shifts.get(run, 0.0) + seconds
        for number, transition in enumerate(self.transitions):
            if transition.run == run:
                self.transitions[number] = transition._replace(entered=transition.entered + seconds)
        for number, alert in enumerate(self.alerts):
            if alert.run == run:
                self.alerts[number] = alert._replace(timestamp=alert.timestamp + seconds)
