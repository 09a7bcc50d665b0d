"""The rules of the status: the effect of reports, of silence and of a clock that is set."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from exporter.report import Report
from exporter.states import IDLE, State
from exporter.status.checkpoint import Checkpoint, LatestReport
from exporter.status.clock import Instant
from exporter.status.counting import Counters
from exporter.status.records import Batch, PersistedState, Transition
from exporter.status.resume import CHECKPOINT_SECONDS, CLOCK_DRIFT_TOLERANCE, fresh_start, max_unsaved_seconds, resume
from exporter.status.view import ProcessCounters, Receipt, StatusView

VERSION_GAP: Final = 2**20
"""Added to the stored version at every start: more changes than a crash can lose."""


class StateMachine:
    """The state machine of the node. Not thread-safe; the caller passes the time."""

    def __init__(self, stored: PersistedState, ttl: float, now: Instant) -> None:
        """Continue from `stored`; `ttl` in seconds applies to reports without one."""
        before = stored.checkpoint or Checkpoint.blank(ttl, now.wall)
        initial = resume(before, now) if stored.checkpoint else fresh_start(now, before.run + 1)
        self.version = max(int(now.wall * 1000), before.version + VERSION_GAP)
        self._run = before.run + 1
        self._timeline = initial.timeline
        self._default_ttl = ttl
        self._ttl = before.ttl
        self._heard = self._heard_saved = initial.heard
        self.is_stale = initial.stale
        self._owner = before.owner
        self._latest = before.latest
        self._counters = Counters(stored, before)
        self._last_report = before.last_report
        self._dates_last_report = False
        self._accepted = self._rejected = 0
        self._pending = Batch()
        self._saved_offset = now.wall - now.monotonic
        self._checkpoint_due = now.monotonic  # at once, so that no later start begins from the same version
        self._finish(initial.finished)

    @property
    def state(self) -> State:
        """The state that the node is in."""
        return self._timeline.state

    @property
    def expires(self) -> float | None:
        """Monotonic time at which the state falls back; None when it has."""
        return None if self.is_stale else self._heard + self._ttl

    @property
    def receipt(self) -> Receipt:
        """The reply to the report taken last."""
        return Receipt(self._timeline.state, self._timeline.entered.wall, self.version)

    def pass_time(self, now: Instant, jump: float) -> None:
        """Apply what time alone changes; `jump` is by how many seconds the wall clock was set."""
        if jump:
            self._redate(jump, now)
        elif abs(now.wall - now.monotonic - self._saved_offset) > CLOCK_DRIFT_TOLERANCE:
            # The next start has only the wall clock to measure how long ago this checkpoint was written.
            self._checkpoint_due = now.monotonic
        expires = self.expires
        if expires is not None and now.monotonic >= expires:
            self.is_stale = True
            self._enter(IDLE, now.at(expires))
            self._publish(now)

    def take(self, report: Report, now: Instant) -> None:
        """Take one report."""
        self._accepted += 1
        self._last_report = now.wall
        self._dates_last_report = True
        repeat = self._counters.is_repeat(report)
        defers = (report.heartbeat or repeat) and self._is_owned_by_another(report)
        ttl = self._ttl
        if not defers or self._timeline.state is IDLE:
            self._ttl = report.ttl or self._default_ttl
            self._heard = now.monotonic
        changed, self.is_stale = self.is_stale, False
        if not repeat:
            changed |= self._counters.take(report, now, self._pending)
            if not defers:
                changed |= self._take_state(report, now)
        if changed:
            self._publish(now)
        elif self._pending.sessions or self._ttl != ttl or self._heard - self._heard_saved >= max_unsaved_seconds(ttl):
            self._checkpoint_due = now.monotonic
        else:
            self._checkpoint_soon(now)

    def reject(self) -> None:
        """Count a rejected report."""
        self._rejected += 1

    def due(self, now: Instant) -> Batch | None:
        """Return the changes that must be persisted now; None while they may wait."""
        return self.checkpoint(now) if now.monotonic >= self._checkpoint_due else None

    def checkpoint(self, now: Instant, *, clean: bool = False) -> Batch:
        """Return all changes since the last checkpoint, with a new one; `clean` when the monitor stops."""
        self._checkpoint_due = now.monotonic + CHECKPOINT_SECONDS
        self._heard_saved = self._heard
        self._saved_offset = now.wall - now.monotonic
        batch, self._pending = self._pending, Batch()
        batch.checkpoint = self._full_checkpoint(now, clean)
        return batch

    def view(self, now: Instant) -> StatusView:
        """Return the status as of `now`."""
        return StatusView(
            state=self._timeline.state,
            entered=self._timeline.entered.wall,
            in_state=self._timeline.in_state(now),
            stale=self.is_stale,
            version=self.version,
            latest=self._latest,
            totals=self._counters.totals,
            last_report=self._last_report,
            counters=ProcessCounters(
                inputs=self._counters.observed,
                seconds=self._timeline.seconds(now),
                entries=self._timeline.entries(),
                bucket_counts=tuple(self._counters.histogram.counts),
                duration_sum=self._counters.histogram.total_seconds,
                accepted=self._accepted,
                rejected=self._rejected,
            ),
        )

    def _redate(self, seconds: float, now: Instant) -> None:
        self._timeline.redate(seconds)
        if self._last_report is not None and self._dates_last_report:
            self._last_report += seconds
        self._pending.absorb(Batch(shifts={self._run: seconds}))
        self._publish(now)

    def _is_owned_by_another(self, report: Report) -> bool:
        # A stale or idle state has no owner: any session may replace it.
        others = report.session != self._owner and not self.is_stale
        return others and (self._timeline.state is not IDLE or report.state is IDLE)

    def _take_state(self, report: Report, now: Instant) -> bool:
        self._owner = report.session
        content = (report.state.name, report.current_task, report.message, report.task_info)
        latest = self._latest
        is_new = content != (latest.status, latest.current_task, latest.message, latest.task_info)
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
        finished = self._timeline.enter(state, instant)
        self._finish(finished)
        return finished is not None

    def _finish(self, transition: Transition | None) -> None:
        if transition is not None:
            self._pending.transitions.append(transition)

    def _publish(self, now: Instant) -> None:
        """Mark a change that readers see, and that must be persisted at once."""
        self.version += 1
        self._checkpoint_due = now.monotonic

    def _checkpoint_soon(self, now: Instant) -> None:
        # A report that is repeated a hundred times a second must not wear out a board's flash memory.
        self._checkpoint_due = min(self._checkpoint_due, now.monotonic + max_unsaved_seconds(self._ttl))

    def _full_checkpoint(self, now: Instant, clean: bool) -> Checkpoint:
        return Checkpoint(
            run=self._run,
            version=self.version,
            state=self._timeline.state.name,
            entered=self._timeline.entered.wall,
            in_state=self._timeline.in_state(now),
            stale=self.is_stale,
            ttl=self._ttl,
            last_report=self._last_report,
            totals=self._counters.totals,
            transition_id=self._timeline.last_id,
            alert_id=self._counters.alert_id,
            latest=self._latest,
            written=now.wall,
            owner=self._owner,
            silent=max(0.0, now.monotonic - self._heard),
            clean=clean,
        )
