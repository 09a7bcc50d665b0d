"""The status of the node, for many threads: reports in, views out, every change to the journal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from exporter.report import Report
from exporter.states import State
from exporter.status.clock import ClockJumpDetector, Instant
from exporter.status.machine import StateChange, StateMachine
from exporter.status.records import Batch, PersistedState
from exporter.status.view import Receipt, StatusView
from servicekit.clock import Clock


class Recorder(Protocol):
    """Where changes go to be kept; the journal is one."""

    def append(self, batch: Batch) -> int:
        """Take changes to be written and return the ticket to wait for; never blocks."""
        ...

    def wait(self, ticket: int) -> None:
        """Return when the changes are on disk, or when the disk takes none at present."""
        ...


class Observer(Protocol):
    """Told what happened, for the log."""

    def state_changed(self, before: State, after: State, view: StatusView) -> None:
        """The node changed from state `before` to `after`."""
        ...

    def clock_set(self, seconds: float) -> None:
        """The wall clock was set by `seconds`."""
        ...


class Status:
    """The status machine behind a lock. Thread-safe; time comes from the clock it is given.

    A change is visible at once; `apply` returns when it is also on disk.
    """

    def __init__(self, *, clock: Clock, recorder: Recorder, observer: Observer, ttl: float, stored: PersistedState):
        """Go on from what is `stored`; `ttl` in seconds is for reports that bring none."""
        self._recorder = recorder
        self._observer = observer
        self._jump_detector = ClockJumpDetector(clock)
        self._changed = threading.Condition()
        self._released = False
        now, _ = self._jump_detector.read()
        self._machine = StateMachine(stored, ttl, now)
        with self._locked():
            pass  # the first checkpoint is due

    def apply(self, report: Report) -> Receipt:
        """Take in one report; return when it is on disk (or the disk takes none at present)."""
        with self._locked() as now:
            self._machine.take(report, now)
            ticket = self._append_due(now)
            receipt = self._machine.receipt
        if ticket is not None:
            self._recorder.wait(ticket)
        return receipt

    def reject(self) -> None:
        """Count a report that was refused."""
        with self._locked() as now:
            self._machine.reject(now)

    def view(self) -> StatusView:
        """Return the status as of now."""
        with self._locked() as now:
            return self._machine.view(now)

    def wait_past(self, version: int, seconds: float) -> StatusView:
        """Return the status once its version is another than `version`, at the latest after `seconds`."""
        with self._locked() as now:
            deadline = now.monotonic + seconds
            while self._machine.version == version and not self._released and now.monotonic < deadline:
                expires = self._machine.expires
                until = deadline if expires is None else min(deadline, expires)
                self._changed.wait(max(0.001, until - now.monotonic))
                now = self._observe_time()
            return self._machine.view(now)

    def release_waiters(self) -> None:
        """Make every present and future `wait_past` return at once."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    def tick(self) -> None:
        """Do what time alone brings about: fall back after the TTL, and write a checkpoint now and then."""
        with self._locked():
            pass

    def close(self) -> None:
        """Write the whole status as the last word before the monitor stops, and wait until it is on disk."""
        with self._locked() as now:
            ticket = self._recorder.append(self._machine.checkpoint(now, clean=True))
        self._recorder.wait(ticket)

    @contextmanager
    def _locked(self) -> Iterator[Instant]:
        """Hold the lock; what happened meanwhile is told when it is free again, for a log may block."""
        with self._changed:
            yield self._observe_time()
        self._tell()

    def _observe_time(self) -> Instant:
        now, jump = self._jump_detector.read()
        self._machine.pass_time(now, jump)
        self._append_due(now)
        return now

    def _append_due(self, now: Instant) -> int | None:
        batch = self._machine.due(now)
        if batch is None:
            return None
        self._changed.notify_all()
        return self._recorder.append(batch)

    def _tell(self) -> None:
        with self._changed:
            events, self._machine.events = self._machine.events, []
        for item in events:
            if isinstance(item, StateChange):
                self._observer.state_changed(*item)
            else:
                self._observer.clock_set(item.seconds)
