"""A rejected report is counted and logged, whichever layer rejects it; nothing else is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from exporter.web.refusals import REPORT_PATH, RejectedReports
from servicekit.log import RateLimit
from testkit.clocks import ManualClock
from testkit.monitors import Monitor, running_monitor

GOOD = {"json": {"status": "idle"}}


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    with running_monitor(tmp_path, token="right") as running:
        yield running


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        ({"json": {"status": "flying"}}, 400, "is not one of"),
        (GOOD | {"headers": {"Authorization": "Bearer wrong"}}, 401, "wrong token"),
        (GOOD | {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}, 403, "192.0.2.7 may not write"),
        (GOOD | {"headers": {"Origin": "http://evil.example"}}, 403, "Origin"),
        (GOOD | {"method": "PUT"}, 405, "not allowed"),
        ({"json": {"status": "idle", "message": "x" * 70_000}}, 413, "announce its length"),
        ({"data": "{}", "content_type": "text/plain"}, 415, "application/json"),
        (GOOD | {"headers": {"Host": "evil.example"}}, 421, "unknown Host"),
    ],
)
def test_each_refusal_is_one_count_and_one_line(
    monitor: Monitor, client: FlaskClient, caplog: pytest.LogCaptureFixture,
    arguments: dict[str, Any], code: int, reason: str,
) -> None:  # fmt: skip
    assert client.open(REPORT_PATH, **{"method": "POST", **arguments}).status_code == code
    assert monitor.status.view().counters.rejected == 1
    (line,) = [record.getMessage() for record in caplog.records if "report_rejected" in record.getMessage()]
    assert f"code={code}" in line
    assert reason in line
    assert "peer=" in line
    assert "held_back=0" in line


def test_what_is_no_refused_report_is_neither_counted_nor_logged(
    monitor: Monitor, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    assert client.post(REPORT_PATH, **GOOD).status_code == 200
    assert client.get(REPORT_PATH).status_code == 405
    assert client.options(REPORT_PATH).status_code == 200
    assert client.post("/api/status").status_code == 405
    assert client.get("/nothing").status_code == 404
    assert monitor.status.view().counters.rejected == 0
    assert "report_rejected" not in caplog.text


def test_lines_are_limited_and_what_was_held_back_is_told(caplog: pytest.LogCaptureFixture) -> None:
    clock, counted = ManualClock(), []
    rejected = RejectedReports(lambda: counted.append(1), RateLimit(burst=10, period=60.0, clock=clock))
    for _ in range(15):
        rejected.reject("POST", REPORT_PATH, 400, "no", "127.0.0.1")
    assert (len(counted), len(caplog.records)) == (15, 10)
    clock.pass_(60)
    rejected.reject("POST", REPORT_PATH, 400, "no", "127.0.0.1")
    assert "held_back=5" in caplog.messages[-1]


def test_unknown_fields_are_told_to_who_debugs_and_taken_all_the_same(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert client.post(REPORT_PATH, json={"status": "idle", "newer": 1, "also": 2}).status_code == 200
    (record,) = [record for record in caplog.records if "unknown_fields" in record.getMessage()]
    assert record.levelno == logging.DEBUG
    assert "names=also,newer" in record.getMessage()
