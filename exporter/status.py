"""The status of the node: takes reports, falls back when they stop, and hands every change to the journal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from exporter.counting import Tally
from exporter.records import Batch, Stored, Transition
from exporter.report import Report
from exporter.resume import CHECKPOINT_SECONDS, afresh, lag, resume
from exporter.snapshot import Latest, Snapshot
from exporter.states import IDLE, State
from exporter.timekeeper import Timekeeper
from exporter.timeline import Moment, Stay
from exporter.view import Receipt, View
from servicekit.clock import Clock

VERSION_GAP: Final = 2**20
"""Added to the stored version at every start: more changes than a crash can have kept from the disk."""


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

    def state_changed(self, before: State, after: State, view: View) -> None:
        """The node changed from state `before` to `after`."""
        ...

    def clock_set(self, seconds: float) -> None:
        """The wall clock was set by `seconds`."""
        ...


class Status:
    """The status machine. Thread-safe; time comes from the clock it is given.

    A change is visible at once; `apply` returns when it is also on disk.
    """

    def __init__(self, *, clock: Clock, recorder: Recorder, observer: Observer, ttl: float, stored: Stored):
        """Go on from what is `stored`; `ttl` in seconds is for reports that bring none."""
        self._recorder = recorder
        self._observer = observer
        self._default_ttl = ttl
        self._timekeeper = Timekeeper(clock)
        self._changed = threading.Condition()
        self._released = False
        self._news: list[Callable[[], None]] = []
        now, _ = self._timekeeper.read()
        before = stored.snapshot or Snapshot.blank(ttl, now.wall)
        begun = resume(before, now) if stored.snapshot else afresh(now)
        self._run = before.run + 1
        self._version = max(int(now.wall * 1000), before.version + VERSION_GAP)
        self._timeline = begun.timeline
        self._ttl = before.ttl
        self._heard = self._heard_kept = begun.heard
        self._stale = begun.stale
        self._holder = before.holder
        self._latest = before.latest
        self._tally = Tally(stored, before)
        self._transition_id = before.transition_id
        self._last_report = before.last_report
        self._dates_last_report = False
        self._accepted, self._rejected = before.accepted, before.rejected
        self._checkpoint_due = now.monotonic
        batch = Batch()
        if begun.finished is not None:
            self._finish(begun.finished, now, batch)
        self._keep(batch, now)  # so that no later start begins from the same version
        self._tell()

    def apply(self, report: Report) -> Receipt:
        """Take in one report; return when it is on disk (or the disk takes none at present)."""
        ticket = None
        with self._locked() as now:
            self._accepted += 1
            self._last_report = now.wall
            self._dates_last_report = True
            repeat = self._tally.is_repeat(report)
            yields = (report.heartbeat or repeat) and self._is_held_against(report)
            ttl = self._ttl
            if not yields or self._timeline.state is IDLE:
                self._ttl = report.ttl or self._default_ttl
                self._heard = now.monotonic
            batch = Batch()
            changed = self._freshen()
            if not repeat:
                changed |= self._tally.take(report, now, batch)
                if not yields:
                    changed |= self._take_state(report, now, batch)
            if changed:
                ticket = self._record(batch, now)
            elif batch.sessions or self._ttl != ttl or self._heard - self._heard_kept >= lag(ttl):
                ticket = self._keep(batch, now)
            else:
                self._keep_soon(now)
            receipt = Receipt(self._timeline.state, self._timeline.entered.wall, self._version)
        if ticket is not None:
            self._recorder.wait(ticket)
        return receipt

    def reject(self) -> None:
        """Count a report that was refused."""
        with self._locked() as now:
            self._rejected += 1
            self._keep_soon(now)

    def view(self) -> View:
        """Return the status as of now."""
        with self._locked() as now:
            return self._view(now)

    def wait_past(self, version: int, seconds: float) -> View:
        """Return the status once its version is another than `version`, at the latest after `seconds`."""
        with self._locked() as now:
            deadline = now.monotonic + seconds
            while self._version == version and not self._released and now.monotonic < deadline:
                until = deadline if self._stale else min(deadline, self._heard + self._ttl)
                self._changed.wait(max(0.001, until - now.monotonic))
                now = self._observe_time()
            return self._view(now)

    def release_waiters(self) -> None:
        """Make every present and future `wait_past` return at once."""
        with self._changed:
            self._released = True
            self._changed.notify_all()

    def tick(self) -> None:
        """Do what time alone brings about: fall back after the TTL, and write a checkpoint now and then."""
        with self._locked() as now:
            if now.monotonic >= self._checkpoint_due:
                self._keep(Batch(), now)

    def close(self) -> None:
        """Write the whole status as the last word before the monitor stops, and wait until it is on disk."""
        with self._locked() as now:
            ticket = self._keep(Batch(), now, clean=True)
        self._recorder.wait(ticket)

    @contextmanager
    def _locked(self) -> Iterator[Moment]:
        """Hold the lock; what happened meanwhile is told when it is free again, for a log may block."""
        with self._changed:
            yield self._observe_time()
        self._tell()

    def _tell(self) -> None:
        while self._news:
            with self._changed:
                news, self._news = self._news, []
            for tell in news:
                tell()

    def _observe_time(self) -> Moment:
        now, jump = self._timekeeper.read()
        if jump:
            self._redate(jump, now)
        expires = self._heard + self._ttl
        if not self._stale and now.monotonic >= expires:
            self._fall_back(now.at(expires), now)
        return now

    def _redate(self, seconds: float, now: Moment) -> None:
        self._news.append(partial(self._observer.clock_set, seconds))
        self._timeline.redate(seconds)
        if self._last_report is not None and self._dates_last_report:
            self._last_report += seconds
        self._record(Batch(shifts={self._run: seconds}), now)

    def _fall_back(self, expiry: Moment, now: Moment) -> None:
        self._stale = True
        batch = Batch()
        self._enter(IDLE, expiry, batch)
        self._record(batch, now)

    def _is_held_against(self, report: Report) -> bool:
        # Nobody holds what is stale; whoever is idle lets the others show what they do.
        others = report.session != self._holder and not self._stale
        return others and (self._timeline.state is not IDLE or report.state is IDLE)

    def _freshen(self) -> bool:
        was_stale, self._stale = self._stale, False
        return was_stale

    def _take_state(self, report: Report, now: Moment, batch: Batch) -> bool:
        self._holder = report.session
        said = (report.state.name, report.current_task, report.message, report.task_info)
        latest = self._latest
        is_news = said != (latest.status, latest.current_task, latest.message, latest.task_info)
        if is_news:
            self._latest = Latest(
                status=report.state.name,
                current_task=report.current_task,
                message=report.message,
                task_info=report.task_info,
                reporter_timestamp=report.timestamp,
            )
        elif report.timestamp is not None:
            self._latest = replace(latest, reporter_timestamp=report.timestamp)
        return self._enter(report.state, now, batch) or is_news

    def _enter(self, state: State, moment: Moment, batch: Batch) -> bool:
        stay = self._timeline.enter(state, moment)
        if stay is not None:
            self._finish(stay, moment, batch)
        return stay is not None

    def _finish(self, stay: Stay, moment: Moment, batch: Batch) -> None:
        self._transition_id += 1
        run = self._run - 1 if stay.inherited else self._run
        batch.transitions.append(Transition(self._transition_id, run, stay.entered, stay.state.name, stay.seconds))
        state = self._timeline.state
        if state is not stay.state:
            self._news.append(partial(self._observer.state_changed, stay.state, state, self._view(moment)))

    def _record(self, batch: Batch, now: Moment) -> int:
        """Hand a change that shows to the journal."""
        self._version += 1
        self._changed.notify_all()
        return self._keep(batch, now)

    def _keep(self, batch: Batch, now: Moment, *, clean: bool = False) -> int:
        """Hand `batch` with the whole status to the journal."""
        self._checkpoint_due = now.monotonic + CHECKPOINT_SECONDS
        self._heard_kept = self._heard
        batch.snapshot = self._snapshot(now, clean)
        return self._recorder.append(batch)

    def _keep_soon(self, now: Moment) -> None:
        # Whoever repeats himself a hundred times a second, or is refused, must not wear out a board's flash memory.
        self._checkpoint_due = min(self._checkpoint_due, now.monotonic + lag(self._ttl))

    def _snapshot(self, now: Moment, clean: bool) -> Snapshot:
        return Snapshot(
            run=self._run,
            version=self._version,
            state=self._timeline.state.name,
            entered=self._timeline.entered.wall,
            in_state=self._timeline.in_state(now),
            stale=self._stale,
            ttl=self._ttl,
            last_report=self._last_report,
            totals=self._tally.totals,
            seconds=self._timeline.seconds(now),
            entries=self._timeline.entries(),
            bucket_counts=list(self._tally.histogram.counts),
            duration_sum=self._tally.histogram.total_seconds,
            transition_id=self._transition_id,
            alert_id=self._tally.alert_id,
            latest=self._latest,
            written=now.wall,
            holder=self._holder,
            silent=max(0.0, now.monotonic - self._heard),
            clean=clean,
            accepted=self._accepted,
            rejected=self._rejected,
        )

    def _view(self, now: Moment) -> View:
        return View(
            state=self._timeline.state,
            entered=self._timeline.entered.wall,
            in_state=self._timeline.in_state(now),
            stale=self._stale,
            version=self._version,
            latest=self._latest,
            totals=self._tally.totals,
            seconds=self._timeline.seconds(now),
            entries=self._timeline.entries(),
            bucket_counts=tuple(self._tally.histogram.counts),
            duration_sum=self._tally.histogram.total_seconds,
            last_report=self._last_report,
            accepted=self._accepted,
            rejected=self._rejected,
        )
