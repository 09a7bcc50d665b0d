"""The status of the node, for many threads: reports in, views out, every change to the journal."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from exporter.report import Report
from exporter.status.clock import ClockJumpDetector, Instant
from exporter.status.machine import StateMachine
from exporter.status.records import Batch, PersistedState
from exporter.status.view import Receipt, StatusView
from servicekit.clock import Clock
from servicekit.log import event

_UNLOGGED_LIMIT: Final = 100

_log = logging.getLogger(__name__)


class Recorder(Protocol):
    """Where changes are persisted; the journal is one."""

    def append(self, batch: Batch) -> int:
        """Take changes to be written and return the ticket to wait for; never blocks."""
        ...

    def wait(self, ticket: int) -> None:
        """Return when the changes are on disk, or when the disk takes none at present."""
        ...


class Status:
    """The state machine behind a lock. Thread-safe; time comes from the clock it is given.

    A change is visible at once; `apply` returns when it is also on disk.
    """

    def __init__(self, *, clock: Clock, recorder: Recorder, ttl: float, stored: PersistedState) -> None:
        """Continue from `stored`; `ttl` in seconds applies to reports without one."""
        self._recorder = recorder
        self._jump_detector = ClockJumpDetector(clock)
        self._changed = threading.Condition()
        self._released = False
        self._unlogged: deque[tuple[int, str]] = deque(maxlen=_UNLOGGED_LIMIT)
        """Levels and lines to be logged once the lock is free, because a log may block."""
        now, _ = self._jump_detector.read()
        self._machine = StateMachine(stored, ttl, now)
        self._logged_state = stored.checkpoint.state if stored.checkpoint else self._machine.state.name
        with self._locked():
            pass  # the first checkpoint is due

    def apply(self, report: Report) -> Receipt:
        """Take one report; return when it is on disk (or the disk takes none at present)."""
        with self._locked() as now:
            self._machine.take(report, now)
            ticket = self._append_due(now)
            receipt = self._machine.receipt
        if ticket is not None:
            self._recorder.wait(ticket)
        return receipt

    def reject(self) -> None:
        """Count a rejected report."""
        with self._locked():
            self._machine.reject()

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
        """Apply what time alone changes: the fallback after the TTL, and a checkpoint at intervals."""
        with self._locked():
            pass

    def close(self) -> None:
        """Write the last checkpoint before the monitor stops, and wait until it is on disk."""
        with self._locked() as now:
            ticket = self._recorder.append(self._machine.checkpoint(now, clean=True))
        self._recorder.wait(ticket)

    @contextmanager
    def _locked(self) -> Iterator[Instant]:
        with self._changed:
            yield self._observe_time()
        self._log_changes()

    def _observe_time(self) -> Instant:
        now, jump = self._jump_detector.read()
        if jump:
            self._unlogged.append((logging.WARNING, event("clock_set", seconds=round(jump, 3))))
        self._machine.pass_time(now, jump)
        self._append_due(now)
        return now

    def _append_due(self, now: Instant) -> int | None:
        batch = self._machine.due(now)
        if batch is None:
            return None
        self._note_state()
        self._changed.notify_all()
        return self._recorder.append(batch)

    def _note_state(self) -> None:
        before, after = self._logged_state, self._machine.state.name
        if after == before:
            return
        self._logged_state = after
        reason = "no_report" if self._machine.is_stale else "report"
        line = event("state_changed", before=before, after=after, reason=reason, version=self._machine.version)
        self._unlogged.append((logging.DEBUG, line))

    def _log_changes(self) -> None:
        while self._unlogged:
            try:
                level, line = self._unlogged.popleft()
            except IndexError:  # another thread was faster
                return
            _log.log(level, line)
