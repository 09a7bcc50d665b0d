"""Alertmanager's message, good and bad."""

from __future__ import annotations

import json
from typing import Any

import pytest

from notify.alert import PayloadError, parse
from testkit.alert_payloads import FIRING_ENDS, alert, payload
from tests.notify.kit import notification


def test_alert_keeps_what_a_message_needs() -> None:
    (found,) = notification(alert("CmzsbSendingTooOften", "M5", firing=False)).alerts
    assert (found.name, found.severity, found.node, found.subject) == ("CmzsbSendingTooOften", "warning", "M5", "M5")
    assert not found.firing
    assert found.ends - found.starts == 750
    assert found.annotations["summary"] == "M5: sends too often / 发送过于频繁"


def labelled(**labels: str) -> dict[str, Any]:
    return {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-11-24T08:00:00Z"} | {
        "endsAt": FIRING_ENDS
    }


@pytest.mark.parametrize(
    ("labels", "severity", "subject"),
    [
        ({"severity": "critical"}, "critical", ""),
        ({"severity": "page"}, "warning", ""),
        ({}, "warning", ""),
        ({"alertname": "Watchdog", "severity": "none"}, "watchdog", ""),
        ({"node": "M5", "instance": "10.0.0.5:8000"}, "warning", "M5"),
        ({"instance": "10.0.0.5:9100"}, "warning", "10.0.0.5:9100"),
    ],
)
def test_alert_of_any_weight_reaches_somebody_and_is_about_something(
    labels: dict[str, str], severity: str, subject: str
) -> None:
    (found,) = notification(labelled(**labels)).alerts
    assert (found.severity, found.subject) == (severity, subject)


@pytest.mark.parametrize(
    "time", ["2026-11-24T08:00:00Z", "2026-11-24T08:00:00.123456789Z", "2026-11-24T16:00:00.1+08:00"]
)
def test_times_are_read_as_go_writes_them(time: str) -> None:
    (found,) = notification(labelled() | {"startsAt": time}).alerts
    assert found.starts == 1795507200


@pytest.mark.parametrize("time", [FIRING_ENDS, "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"])
def test_times_out_of_this_world_are_times_that_can_be_shown(time: str) -> None:
    (found,) = notification(labelled() | {"startsAt": time}).alerts
    assert 0 <= found.starts <= 4e9


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "invalid JSON"),
        (b"[]", "list 'alerts'"),
        (b'{"alerts": {}}', "list 'alerts'"),
        (b'{"alerts": [7]}', "alerts[0] is not an object"),
        (json.dumps(payload(labelled() | {"status": "maybe"})).encode(), "alerts[0].status"),
        (json.dumps({"alerts": [labelled() | {"labels": {"node": 5}}]}).encode(), "alerts[0].labels"),
        (json.dumps({"alerts": [labelled() | {"annotations": []}]}).encode(), "alerts[0].annotations"),
        (json.dumps({"alerts": [labelled() | {"startsAt": "yesterday"}]}).encode(), "alerts[0].startsAt"),
        (json.dumps({"alerts": [labelled() | {"startsAt": "2026-13-99T00:00:00Z"}]}).encode(), "alerts[0].startsAt"),
        (b'{"alerts": [], "alerts": []}', "duplicate key"),
        (b'{"alerts": [{"labels": {"node": "\\ud800"}}]}', "lone surrogate"),
    ],
)
def test_what_is_no_message_of_alertmanager_is_refused_with_the_place(body: bytes, complaint: str) -> None:
    with pytest.raises(PayloadError) as caught:
        parse(body)
    assert complaint in str(caught.value)
