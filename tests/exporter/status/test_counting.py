"""What reports count."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.status.counting import ALERTS_PER_REPORT
from testkit.status_kit import Bench


@pytest.mark.parametrize(
    ("reports", "totals", "alerts"),
    [
        ([("idle", {})], (0, 0, 0), 0),
        ([("detecting", {})] * 3, (3, 0, 0), 0),
        ([("sending", {})] * 3, (0, 3, 3), 3),
        ([("detecting", {}), ("sending", {}), ("idle", {})], (1, 1, 1), 1),
        ([("detecting", {"processed": 5})], (5, 0, 0), 0),
        ([("detecting", {"processed": 0})], (0, 0, 0), 0),
        ([("sending", {"sent_to_server": 0})], (0, 1, 0), 0),
        ([("sending", {"sent_to_server": 4, "processed": 9})], (9, 1, 4), 4),
        ([("idle", {"processed": 2, "low_confidence": 1, "sent_to_server": 1})], (2, 1, 1), 1),
        ([("sending", {"session": "s"})], (0, 0, 0), 0),
        ([("sending", {"session": "s", "totals": {"processed": 7, "sent_to_server": 2}})], (7, 0, 2), 2),
        ([("idle", {"session": "s", "sequence": 1, "processed": 2})] * 2, (2, 0, 0), 0),
        ([("sending", {"heartbeat": True}), ("detecting", {"heartbeat": True})], (0, 0, 0), 0),
        ([("idle", {"heartbeat": True, "session": "s", "totals": {"processed": 7}})], (7, 0, 0), 0),
    ],
)
def test_what_reports_count(
    bench: Bench, reports: list[tuple[str, dict[str, Any]]], totals: tuple[int, int, int], alerts: int
) -> None:
    for status, fields in reports:
        bench.report(status, **fields)
    assert bench.totals == totals
    assert len(bench.recorder.kept.alerts) == alerts


def test_each_send_is_one_alert_up_to_a_bound_for_a_single_report(bench: Bench) -> None:
    bench.report("sending", session="s", sequence=1, totals={"sent_to_server": 50}, message="after an outage")
    bench.report("sending", sent_to_server=1_000_000)
    alerts = bench.recorder.kept.alerts
    assert [row.id for row in alerts] == list(range(1, 50 + ALERTS_PER_REPORT + 1))
    assert [row.message for row in alerts].count("after an outage") == 50
    bench.restart()
    bench.report("sending")
    assert bench.recorder.kept.alerts[-1].id == 50 + ALERTS_PER_REPORT + 1
