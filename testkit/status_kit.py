"""The status service with a clock that tests move and a recorder in memory."""

from __future__ import annotations

import json
from typing import Any

from exporter.report import parse_report
from exporter.status.checkpoint import Checkpoint
from exporter.status.records import Batch, PersistedState
from exporter.status.service import Status
from exporter.status.sessions import SESSIONS_LIMIT
from exporter.status.view import Receipt, StatusView
from testkit.clocks import ManualClock

TICK_SECONDS = 0.5


class MemoryRecorder:
    """Keeps all changes, and returns after a restart what a journal would."""

    def __init__(self) -> None:
        self.kept = Batch()
        self.writes = 0

    def append(self, batch: Batch) -> int:
        # Through JSON, as on disk, so that nothing is shared with the status in use.
        if batch.checkpoint is not None:
            batch.checkpoint = Checkpoint.from_json(batch.checkpoint.to_json())
        self.kept.absorb(batch)
        self.writes += 1
        return 0

    def wait(self, ticket: int) -> None:
        """Return at once, because everything is kept."""

    def stored(self) -> PersistedState:
        return PersistedState(self.kept.checkpoint, tuple(self.kept.sessions.values())[-SESSIONS_LIMIT:])


class Bench:
    """The status service, its clock and its recorder; `restart` is a `kill -9` and a new process."""

    def __init__(self, ttl: float = 60.0) -> None:
        self.clock = ManualClock()
        self.recorder = MemoryRecorder()
        self.ttl = ttl
        self.restart()

    def restart(self) -> None:
        self.status = Status(
            clock=self.clock,
            recorder=self.recorder,
            ttl=self.ttl,
            stored=self.recorder.stored(),
        )

    def stop(self, away: float = 0.0) -> None:
        """Stop the monitor as SIGTERM does, and start it again after `away` seconds."""
        self.status.close()
        self.clock.pass_(away)
        self.restart()

    def live(self, seconds: float) -> None:
        """Let time pass with the ticks of a running monitor."""
        while seconds > 0.0:
            step = min(seconds, TICK_SECONDS)
            self.clock.pass_(step)
            self.status.tick()
            seconds -= step

    def report(self, status: str, **fields: Any) -> Receipt:
        return self.status.apply(parse_report(json.dumps({"status": status} | fields).encode()))

    @property
    def view(self) -> StatusView:
        return self.status.view()

    @property
    def totals(self) -> tuple[int, int, int]:
        return tuple(self.view.totals)  # type: ignore[return-value] # a NamedTuple of three

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The changes of state so far, oldest first: the state before and after."""
        names = [*(row.state for row in self.recorder.kept.transitions), self.view.state.name]
        return [(before, after) for before, after in zip(names, names[1:]) if before != after]

    def time_in(self, state: str) -> float:
        """Return the seconds in `state` over all runs: the finished transitions and the current state."""
        finished = sum(row.seconds for row in self.recorder.kept.transitions if row.state == state)
        return finished + (self.view.in_state if self.view.state.name == state else 0.0)

    @property
    def history(self) -> list[tuple[str, float]]:
        """The finished transitions, oldest first: state and seconds."""
        return [(row.state, round(row.seconds, 3)) for row in self.recorder.kept.transitions]
