"""What one report counts: the rules for scripts that name no counts, and the record of a sending."""

from __future__ import annotations

import json
from typing import Final

from exporter.records import Alert
from exporter.report import Report
from exporter.states import DETECTING, SENDING
from exporter.timeline import Moment
from exporter.totals import Totals

ALERT_MESSAGE_LIMIT: Final = 1000
ALERT_TASK_INFO_LIMIT: Final = 4096


def implied_by(report: Report) -> Totals:
    """Return what a report of nothing but a state counts, as from the scripts that know no counts."""
    if report.heartbeat:
        return Totals()
    if report.state is DETECTING:
        return Totals(processed=1)
    if report.state is SENDING:
        return Totals(low_confidence=1, sent_to_server=1)
    return Totals()


def increments(report: Report, otherwise: Totals) -> Totals:
    """Return what the report counts by its own increments; `otherwise` for the fields it does not name."""
    named = (report.processed, report.low_confidence, report.sent_to_server)
    return Totals(*(other if said is None else said for said, other in zip(named, otherwise, strict=True)))


def alert_of(number: int, run: int, report: Report, now: Moment) -> Alert:
    """Return the record of an event of sending, cut to a size of which 10,000 fit on a board."""
    task_info = None
    if report.task_info is not None:
        task_info = json.dumps(report.task_info, ensure_ascii=False)
        if len(task_info) > ALERT_TASK_INFO_LIMIT:
            task_info = '{"truncated":true}'
    message = report.message[:ALERT_MESSAGE_LIMIT]
    return Alert(number, run, now.wall, "warning", message, task_info)
