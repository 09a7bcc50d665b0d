"""A status machine with its surroundings held in memory."""

from __future__ import annotations

import json
from typing import Any

from exporter.report import parse_report
from exporter.states import State
from exporter.status.checkpoint import Checkpoint
from exporter.status.records import Batch, PersistedState
from exporter.status.service import Status
from exporter.status.sessions import SESSIONS_LIMIT
from exporter.status.view import Receipt, StatusView
from testkit.clocks import ManualClock

TICK_SECONDS = 0.5


class MemoryRecorder:
    """Keeps all changes, and gives back after a "restart" what a journal would."""

    def __init__(self) -> None:
        self.kept = Batch()
        self.writes = 0

    def append(self, batch: Batch) -> int:
        # Through text, as on disk: nothing is shared with the living status.
        if batch.checkpoint is not None:
            batch.checkpoint = Checkpoint.from_json(batch.checkpoint.to_json())
        self.kept.absorb(batch)
        self.writes += 1
        return 0

    def wait(self, ticket: int) -> None:
        """Everything is kept at once."""

    def stored(self) -> PersistedState:
        return PersistedState(self.kept.checkpoint, tuple(self.kept.sessions.values())[-SESSIONS_LIMIT:])


class Events:
    """Keeps what the observer is told."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.jumps: list[float] = []

    def state_changed(self, before: State, after: State, view: StatusView) -> None:
        self.changes.append((before.name, after.name))

    def clock_set(self, seconds: float) -> None:
        self.jumps.append(seconds)


class Bench:
    """A status machine, its clock, its memory; `restart` is what a new process begins with, after a `kill -9`."""

    def __init__(self, ttl: float = 60.0) -> None:
        self.clock = ManualClock()
        self.recorder = MemoryRecorder()
        self.events = Events()
        self.ttl = ttl
        self.restart()

    def restart(self) -> None:
        self.status = Status(
            clock=self.clock,
            recorder=self.recorder,
            observer=self.events,
            ttl=self.ttl,
            stored=self.recorder.stored(),
        )

    def stop(self, away: float = 0.0) -> None:
        """Stop the monitor as SIGTERM does, and start it again after `away` seconds."""
        self.status.close()
        self.clock.pass_(away)
        self.restart()

    def live(self, seconds: float) -> None:
        """Let time pass as it does for a running monitor, whose ticker ticks."""
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
    def history(self) -> list[tuple[str, float]]:
        """The finished stays, oldest first: state and seconds."""
        return [(row.state, round(row.seconds, 3)) for row in self.recorder.kept.transitions]
