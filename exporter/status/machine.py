"""The rules of the status: what reports, silence and a clock that is set do to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

from exporter.report import Report
from exporter.states import IDLE, State
from exporter.status.checkpoint import Checkpoint, LatestReport
from exporter.status.clock import Instant
from exporter.status.counting import Counters
from exporter.status.records import Batch, PersistedState, Transition
from exporter.status.resume import CHECKPOINT_SECONDS, CLOCK_DRIFT_TOLERANCE, fresh_start, max_unsaved_seconds, resume
from exporter.status.timeline import Stay
from exporter.status.view import Receipt, StatusView

VERSION_GAP: Final = 2**20
"""Added to the stored version at every start: more changes than a crash can have kept from the disk."""


class StateChange(NamedTuple):
    """The node changed from state `before` to `after`."""

    before: State
    after: State
    view: StatusView


class ClockSet(NamedTuple):
    """The wall clock was set by so many seconds."""

    seconds: float


class StateMachine:
    """The status machine. Not thread-safe; whoever calls it tells the time."""

    def __init__(self, stored: PersistedState, ttl: float, now: Instant) -> None:
        """Go on from what is `stored`; `ttl` in seconds is for reports that bring none."""
        before = stored.checkpoint or Checkpoint.blank(ttl, now.wall)
        initial = resume(before, now) if stored.checkpoint else fresh_start(now)
        self.version = max(int(now.wall * 1000), before.version + VERSION_GAP)
        self.events: list[StateChange | ClockSet] = []
        """What is for the log; whoever takes it empties the list."""
        self._run = before.run + 1
        self._timeline = initial.timeline
        self._default_ttl = ttl
        self._ttl = before.ttl
        self._heard = self._heard_kept = initial.heard
        self._stale = initial.stale
        self._owner = before.owner
        self._latest = before.latest
        self._counters = Counters(stored, before)
        self._transition_id = before.transition_id
        self._last_report = before.last_report
        self._dates_last_report = False
        self._accepted, self._rejected = before.accepted, before.rejected
        self._pending = Batch()
        self._kept_offset = now.wall - now.monotonic
        self._checkpoint_due = now.monotonic  # at once, so that no later start begins from the same version
        if initial.finished is not None:
            self._finish(initial.finished, now)

    @property
    def expires(self) -> float | None:
        """Monotonic time at which the state falls back; None when it did."""
        return None if self._stale else self._heard + self._ttl

    @property
    def receipt(self) -> Receipt:
        """What the reporter is told."""
        return Receipt(self._timeline.state, self._timeline.entered.wall, self.version)

    def pass_time(self, now: Instant, jump: float) -> None:
        """Do what time alone brings about; `jump` is by how many seconds the wall clock was set."""
        if jump:
            self._redate(jump, now)
        elif abs(now.wall - now.monotonic - self._kept_offset) > CLOCK_DRIFT_TOLERANCE:
            # The next start can tell only by the wall clock how long ago this was.
            self._checkpoint_due = now.monotonic
        expires = self.expires
        if expires is not None and now.monotonic >= expires:
            self._stale = True
            self._enter(IDLE, now.at(expires))
            self._show(now)

    def take(self, report: Report, now: Instant) -> None:
        """Take in one report."""
        self._accepted += 1
        self._last_report = now.wall
        self._dates_last_report = True
        repeat = self._counters.is_repeat(report)
        defers = (report.heartbeat or repeat) and self._is_owned_by_another(report)
        ttl = self._ttl
        if not defers or self._timeline.state is IDLE:
            self._ttl = report.ttl or self._default_ttl
            self._heard = now.monotonic
        changed, self._stale = self._stale, False
        if not repeat:
            changed |= self._counters.take(report, now, self._pending)
            if not defers:
                changed |= self._take_state(report, now)
        if changed:
            self._show(now)
        elif self._pending.sessions or self._ttl != ttl or self._heard - self._heard_kept >= max_unsaved_seconds(ttl):
            self._checkpoint_due = now.monotonic
        else:
            self._checkpoint_soon(now)

    def reject(self, now: Instant) -> None:
        """Count a report that was refused."""
        self._rejected += 1
        self._checkpoint_soon(now)

    def due(self, now: Instant) -> Batch | None:
        """Return what must be kept now, None while that has time."""
        return self.checkpoint(now) if now.monotonic >= self._checkpoint_due else None

    def checkpoint(self, now: Instant, *, clean: bool = False) -> Batch:
        """Return all changes since the last time, and the whole status; `clean` when it is the last word."""
        self._checkpoint_due = now.monotonic + CHECKPOINT_SECONDS
        self._heard_kept = self._heard
        self._kept_offset = now.wall - now.monotonic
        batch, self._pending = self._pending, Batch()
        batch.checkpoint = self._full_checkpoint(now, clean)
        return batch

    def view(self, now: Instant) -> StatusView:
        """Return the status as of `now`."""
        return StatusView(
            state=self._timeline.state,
            entered=self._timeline.entered.wall,
            in_state=self._timeline.in_state(now),
            stale=self._stale,
            version=self.version,
            latest=self._latest,
            totals=self._counters.totals,
            seconds=self._timeline.seconds(now),
            entries=self._timeline.entries(),
            bucket_counts=tuple(self._counters.histogram.counts),
            duration_sum=self._counters.histogram.total_seconds,
            last_report=self._last_report,
            accepted=self._accepted,
            rejected=self._rejected,
        )

    def _redate(self, seconds: float, now: Instant) -> None:
        self.events.append(ClockSet(seconds))
        self._timeline.redate(seconds)
        if self._last_report is not None and self._dates_last_report:
            self._last_report += seconds
        self._pending.absorb(Batch(shifts={self._run: seconds}))
        self._show(now)

    def _is_owned_by_another(self, report: Report) -> bool:
        # Nobody holds what is stale; whoever is idle lets the others show what they do.
        others = report.session != self._owner and not self._stale
        return others and (self._timeline.state is not IDLE or report.state is IDLE)

    def _take_state(self, report: Report, now: Instant) -> bool:
        self._owner = report.session
        said = (report.state.name, report.current_task, report.message, report.task_info)
        latest = self._latest
        is_new = said != (latest.status, latest.current_task, latest.message, latest.task_info)
        if is_new:
            self._latest = LatestReport(
                status=report.state.name,
                current_task=report.current_task,
                message=report.message,
                task_info=report.task_info,
                reporter_timestamp=report.timestamp,
            )
        elif report.timestamp is not None:
            self._latest = replace(latest, reporter_timestamp=report.timestamp)
        return self._enter(report.state, now) or is_new

    def _enter(self, state: State, instant: Instant) -> bool:
        stay = self._timeline.enter(state, instant)
        if stay is not None:
            self._finish(stay, instant)
        return stay is not None

    def _finish(self, stay: Stay, instant: Instant) -> None:
        self._transition_id += 1
        run = self._run - 1 if stay.inherited else self._run
        row = Transition(self._transition_id, run, stay.entered, stay.state.name, stay.seconds)
        self._pending.transitions.append(row)
        if self._timeline.state is not stay.state:
            self.events.append(StateChange(stay.state, self._timeline.state, self.view(instant)))

    def _show(self, now: Instant) -> None:
        """Mark a change that readers see, and that must be kept at once."""
        self.version += 1
        self._checkpoint_due = now.monotonic

    def _checkpoint_soon(self, now: Instant) -> None:
        # Whoever repeats himself a hundred times a second, or is refused, must not wear out a board's flash memory.
        self._checkpoint_due = min(self._checkpoint_due, now.monotonic + max_unsaved_seconds(self._ttl))

    def _full_checkpoint(self, now: Instant, clean: bool) -> Checkpoint:
        return Checkpoint(
            run=self._run,
            version=self.version,
            state=self._timeline.state.name,
            entered=self._timeline.entered.wall,
            in_state=self._timeline.in_state(now),
            stale=self._stale,
            ttl=self._ttl,
            last_report=self._last_report,
            totals=self._counters.totals,
            seconds=self._timeline.seconds(now),
            entries=self._timeline.entries(),
            bucket_counts=list(self._counters.histogram.counts),
            duration_sum=self._counters.histogram.total_seconds,
            transition_id=self._transition_id,
            alert_id=self._counters.alert_id,
            latest=self._latest,
            written=now.wall,
            owner=self._owner,
            silent=max(0.0, now.monotonic - self._heard),
            clean=clean,
            accepted=self._accepted,
            rejected=self._rejected,
        )
