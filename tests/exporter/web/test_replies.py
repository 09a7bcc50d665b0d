"""The bodies of replies."""

from __future__ import annotations

import json

from exporter.status.records import Alert, Transition
from exporter.web import replies
from exporter.web.replies import StatusBody
from testkit.status_kit import Bench


def test_body_of_the_status_is_cached_until_the_version_changes() -> None:
    bench, body = Bench(), StatusBody("M5")
    bench.report("sending", message="帧 7")
    first = body.of(bench.view)
    assert body.of(bench.view) is first
    assert json.loads(first) == replies.status(bench.view, "M5")
    assert "帧 7".encode() in first
    bench.report("idle")
    assert json.loads(body.of(bench.view))["status"] == "idle"


def test_node_status_has_the_details_that_change_without_a_version() -> None:
    bench = Bench()
    bench.report("sending", timestamp="2026-01-01T00:00:00Z")
    bench.clock.pass_(2.5)
    reply = replies.node_status(bench.view, "M5")
    assert (reply["node_id"], reply["status"]) == ("M5", "sending")
    details = reply["details"]
    assert (details["seconds_in_state"], details["reporter_timestamp"]) == (2.5, "2026-01-01T00:00:00Z")
    assert details["last_report"] == reply["timestamp"]
    assert replies.node_status(Bench().view, "M5")["details"]["last_report"] is None


def test_alert_carries_its_task_information_as_json() -> None:
    rows = [Alert(2, 1, 0.0, "warning", "m", '{"a":1}'), Alert(1, 1, 0.0, "warning", "", None)]
    listed = replies.alerts(rows, "M5")["alerts"]
    assert [(alert["id"], alert["task_info"], alert["node_id"]) for alert in listed] == [
        (2, {"a": 1}, "M5"),
        (1, None, "M5"),
    ]
    assert listed[0]["timestamp"] == "1970-01-01T00:00:00.000+00:00"


def test_history_is_oldest_first_and_ends_with_the_current_state() -> None:
    finished = [Transition(2, 1, 5.0, "sending", 2.0), Transition(1, 1, 0.0, "idle", 5.0)]
    view = Bench().view
    assert [row["status"] for row in replies.history(finished, None)] == ["idle", "sending"]
    assert [row["status"] for row in replies.history(finished, view)] == ["idle", "sending", "idle"]
    assert replies.history(finished, None)[1] == {
        "timestamp": "1970-01-01T00:00:05.000+00:00",
        "status": "sending",
        "duration_seconds": 2.0,
    }
