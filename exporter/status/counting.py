"""What reports count: the rules for scripts that send no counts, the running sums, and the alert records."""

from __future__ import annotations

import json
from typing import Final

from exporter.report import Report, Totals
from exporter.states import DETECTING, SENDING
from exporter.status.checkpoint import Checkpoint
from exporter.status.clock import Instant
from exporter.status.histogram import Histogram
from exporter.status.records import Alert, Batch, PersistedState
from exporter.status.sessions import Increase, Sessions

ALERT_MESSAGE_LIMIT: Final = 1000
ALERT_TASK_INFO_LIMIT: Final = 4096
ALERTS_PER_REPORT: Final = 1000
"""Most alert records of one report, however many sends it counts: one report must not displace all the others."""


class Counters:
    """The running sums. Not thread-safe.

    `totals` continues over all runs of the monitor; `observed` and `histogram` begin at 0 with this process, as
    Prometheus expects of a counter.
    """

    def __init__(self, stored: PersistedState, before: Checkpoint) -> None:
        """Continue the totals of `before` and the sessions of `stored`."""
        self._run = before.run + 1
        self._sessions = Sessions(stored.sessions)
        self.totals = before.totals
        self.observed = Totals()
        self.histogram = Histogram()
        self.alert_id = before.alert_id
        """Of the newest alert; 0 when there is none."""

    def is_repeat(self, report: Report) -> bool:
        """Return whether this report was taken before (its reply got lost)."""
        return report.session is not None and self._sessions.is_repeat(report.session, report.sequence)

    def take(self, report: Report, now: Instant, batch: Batch) -> bool:
        """Count one report, add to `batch` what must be persisted, and return whether a total has risen."""
        if report.session is None:
            own, increase = increments(report, implied_by(report)), Increase()
        else:
            own = increments(report, Totals())
            increase = self._sessions.advance(report.session, report.sequence, report.totals)
            batch.sessions[report.session] = self._sessions.get(report.session)
        risen = own.plus(increase.stored)
        self.totals = self.totals.plus(risen)
        self.observed = self.observed.plus(own).plus(increase.observed)
        self.histogram.observe(report.inference_seconds)
        if risen.sent_to_server:
            self._record_sends(min(risen.sent_to_server, ALERTS_PER_REPORT), alert_of(report, self._run, now), batch)
        return any(risen)

    def _record_sends(self, sends: int, alert: Alert, batch: Batch) -> None:
        for _ in range(sends):
            self.alert_id += 1
            batch.alerts.append(alert._replace(id=self.alert_id))


def implied_by(report: Report) -> Totals:
    """Return what a report of nothing but a state counts, as from scripts that send no counts."""
    if report.heartbeat:
        return Totals()
    if report.state is DETECTING:
        return Totals(processed=1)
    if report.state is SENDING:
        return Totals(low_confidence=1, sent_to_server=1)
    return Totals()


def increments(report: Report, otherwise: Totals) -> Totals:
    """Return what the report counts by its own increments; `otherwise` for the fields that it leaves out."""
    explicit = {name: getattr(report, name) for name in Totals._fields}
    return otherwise._replace(**{name: value for name, value in explicit.items() if value is not None})


def alert_of(report: Report, run: int, now: Instant) -> Alert:
    """Return the record of a send, not yet numbered, cut to a size of which 10,000 fit on a board."""
    task_info = None
    if report.task_info is not None:
        task_info = json.dumps(report.task_info, ensure_ascii=False)
        if len(task_info) > ALERT_TASK_INFO_LIMIT:
            task_info = '{"truncated":true}'
    message = report.message[:ALERT_MESSAGE_LIMIT]
    return Alert(0, run, now.wall, "warning", message, task_info)
