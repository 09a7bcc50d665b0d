"""The status of the node: takes reports, falls back when they stop, and hands every change to the journal."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Final, Protocol

from exporter.counting import alert_of, implied_by, increments
from exporter.histogram import Histogram
from exporter.records import Batch, Latest, Shift, Snapshot, Stored, Transition
from exporter.report import Report
from exporter.states import IDLE, State
from exporter.timekeeper import Timekeeper
from exporter.timeline import Moment, Stay, Timeline
from exporter.totals import Sessions, Totals
from exporter.view import Receipt, View
from servicekit.clock import Clock

VERSION_GAP: Final = 2**20
"""Added to the stored version at every start: more changes than a crash can have kept from the disk."""
CHECKPOINT_SECONDS: Final = 30.0
HELD_SECONDS: Final = CHECKPOINT_SECONDS + 1.0
"""Longest time that the state counts as going on while the monitor is away."""


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
        self._recorder = recorder
        self._observer = observer
        self._default_ttl = ttl
        self._timekeeper = Timekeeper(clock)
        self._changed = threading.Condition()
        self._released = False
        self._accepted = 0
        self._rejected = 0
        self._sessions = Sessions(stored.sessions)
        self._begin(stored.snapshot)
        self._write_checkpoint(self._timekeeper.read()[0])  # so that no later start begins from the same version

    def _begin(self, stored: Snapshot | None) -> None:
        now, _ = self._timekeeper.read()
        self._ttl = self._default_ttl
        self._expires = now.monotonic + self._ttl
        self._stale = False
        self._holder = stored.holder if stored else None
        self._version = max(int(now.wall * 1000), (stored.version if stored else 0) + VERSION_GAP)
        if stored is None:
            self._run, self._transition_id, self._alert_id = 1, 0, 0
            self._totals, self._histogram = Totals(), Histogram()
            self._last_report: float | None = None
            self._latest = Latest(IDLE.name, now.wall, run=self._run)
            self._timeline = Timeline(IDLE, now)
            return
        self._run = stored.run + 1
        self._transition_id, self._alert_id = stored.transition_id, stored.alert_id
        self._totals = stored.totals
        self._histogram = Histogram(stored.bucket_counts, stored.duration_sum)
        self._last_report = stored.last_report
        self._latest = stored.latest
        self._timeline = self._resume(stored, now)

    def _resume(self, stored: Snapshot, now: Moment) -> Timeline:
        # After a `kill -9` up to a checkpoint's distance of time in state and heartbeats is not on disk, but was
        # scraped. The state is held for that long, else a counter would fall and Prometheus see a reset.
        away = now.wall - stored.written
        held = away if 0.0 <= away < HELD_SECONDS else HELD_SECONDS
        timeline = Timeline.resume(
            stored.state,
            now,
            entered_wall=stored.entered,
            in_state=stored.in_state,
            held=held,
            seconds=stored.seconds,
            entries=stored.entries,
        )
        # Where the wall clock went back, the reporter gets a whole TTL to speak.
        if not stored.stale and away < stored.ttl:
            self._ttl = stored.ttl
            self._expires = now.monotonic + stored.ttl - max(0.0, away)
            return timeline
        self._stale = True
        stay = timeline.enter(IDLE, now)
        if stay is None and held < away:
            stay = timeline.begin(IDLE, now)  # a long absence is a gap in the history, not idleness
        if stay is not None:
            self._transition_id += 1
            batch = Batch()
            batch.transitions.append(self._finished(stay))
            self._recorder.append(batch)
        return timeline

    def apply(self, report: Report) -> Receipt:
        """Take in one report; return when it is on disk (or the disk takes none at present)."""
        with self._changed:
            now = self._observe_time()
            self._accepted += 1
            self._last_report = now.wall
            repeat = report.session is not None and self._sessions.is_repeat(report.session, report.sequence)
            yields = (report.heartbeat or repeat) and self._is_held_against(report)
            if not yields or self._timeline.state is IDLE:
                self._ttl = report.ttl or self._default_ttl
                self._expires = now.monotonic + self._ttl
            batch = Batch()
            changed = self._freshen()
            if not repeat:
                changed |= self._take_counts(report, now, batch)
                if not yields:
                    changed |= self._take_state(report, now, batch)
            ticket = self._record(batch, now) if changed else None
            if not changed and batch.sessions:
                self._recorder.append(batch)  # no news, but the session used last must not be forgotten first
            receipt = Receipt(self._timeline.state, self._timeline.entered.wall, self._version)
        if ticket is not None:
            self._recorder.wait(ticket)
        return receipt

    def reject(self) -> None:
        """Count a report that was refused."""
        with self._changed:
            self._rejected += 1

    def view(self) -> View:
        """Return the status as of now."""
        with self._changed:
            return self._view(self._observe_time())

    def wait_past(self, version: int, seconds: float) -> View:
        """Return the status once its version is another than `version`, at the latest after `seconds`."""
        with self._changed:
            now = self._observe_time()
            deadline = now.monotonic + seconds
            while self._version == version and not self._released and now.monotonic < deadline:
                until = deadline if self._stale else min(deadline, self._expires)
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
        with self._changed:
            now = self._observe_time()
            if now.monotonic >= self._checkpoint_due:
                self._write_checkpoint(now)

    def checkpoint(self) -> None:
        """Write the whole present status and wait until it is on disk."""
        with self._changed:
            ticket = self._write_checkpoint(self._observe_time())
        self._recorder.wait(ticket)

    def _write_checkpoint(self, now: Moment) -> int:
        self._checkpoint_due = now.monotonic + CHECKPOINT_SECONDS
        return self._recorder.append(Batch(snapshot=self._snapshot(now)))

    def _observe_time(self) -> Moment:
        now, jump = self._timekeeper.read()
        if jump:
            self._redate(jump, now)
        if not self._stale and now.monotonic >= self._expires:
            self._fall_back(now.at(self._expires), now)
        return now

    def _redate(self, seconds: float, now: Moment) -> None:
        self._observer.clock_set(seconds)
        self._timeline.redate(seconds)
        if self._last_report is not None and self._accepted:
            self._last_report += seconds
        if self._latest.run == self._run:
            self._latest = replace(self._latest, timestamp=self._latest.timestamp + seconds)
        shift = Shift(self._run, self._transition_id, self._alert_id, seconds)
        self._record(Batch(shifts=[shift]), now)

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

    def _take_counts(self, report: Report, now: Moment, batch: Batch) -> bool:
        if report.session is None:
            increase = increments(report, implied_by(report))
        else:
            increase = self._sessions.advance(report.session, report.sequence, report.totals)
            increase = increase.plus(increments(report, Totals()))
            batch.sessions[report.session] = self._sessions.get(report.session)
        self._totals = self._totals.plus(increase)
        self._histogram.observe(report.inference_seconds)
        if increase.sent_to_server:
            self._alert_id += 1
            batch.alerts.append(alert_of(self._alert_id, self._run, report, now))
        return any(increase) or bool(report.inference_seconds)

    def _take_state(self, report: Report, now: Moment, batch: Batch) -> bool:
        self._holder = report.session
        said = (report.state.name, report.current_task, report.message, report.task_info)
        latest = self._latest
        is_news = said != (latest.status, latest.current_task, latest.message, latest.task_info)
        if is_news:
            self._latest = Latest(
                status=report.state.name,
                timestamp=now.wall,
                current_task=report.current_task,
                message=report.message,
                task_info=report.task_info,
                reporter_timestamp=report.timestamp,
                run=self._run,
            )
        return self._enter(report.state, now, batch) or is_news

    def _enter(self, state: State, moment: Moment, batch: Batch) -> bool:
        stay = self._timeline.enter(state, moment)
        if stay is None:
            return False
        self._transition_id += 1
        batch.transitions.append(self._finished(stay))
        self._observer.state_changed(stay.state, state, self._view(moment))
        return True

    def _finished(self, stay: Stay) -> Transition:
        run = self._run - 1 if stay.inherited else self._run
        return Transition(self._transition_id, run, stay.entered, stay.state.name, stay.seconds)

    def _record(self, batch: Batch, now: Moment) -> int:
        self._version += 1
        batch.snapshot = self._snapshot(now)
        self._changed.notify_all()
        return self._recorder.append(batch)

    def _snapshot(self, now: Moment) -> Snapshot:
        return Snapshot(
            run=self._run,
            version=self._version,
            state=self._timeline.state.name,
            entered=self._timeline.entered.wall,
            in_state=self._timeline.in_state(now),
            stale=self._stale,
            ttl=self._ttl,
            last_report=self._last_report,
            totals=self._totals,
            seconds=self._timeline.seconds(now),
            entries=self._timeline.entries(),
            bucket_counts=list(self._histogram.counts),
            duration_sum=self._histogram.total_seconds,
            transition_id=self._transition_id,
            alert_id=self._alert_id,
            latest=self._latest,
            written=now.wall,
            holder=self._holder,
        )

    def _view(self, now: Moment) -> View:
        return View(
            state=self._timeline.state,
            entered=self._timeline.entered.wall,
            in_state=self._timeline.in_state(now),
            stale=self._stale,
            version=self._version,
            latest=self._latest,
            totals=self._totals,
            seconds=self._timeline.seconds(now),
            entries=self._timeline.entries(),
            bucket_counts=tuple(self._histogram.counts),
            duration_sum=self._histogram.total_seconds,
            last_report=self._last_report,
            accepted=self._accepted,
            rejected=self._rejected,
        )
