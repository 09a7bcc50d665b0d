"""The shortcut answers as the application does, and leaves to it whatever is special about a request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import request_started
from flask.testing import FlaskClient

from exporter.web import replies
from testkit.monitors import Monitor

REPORT = "/api/update_status"


@contextmanager
def requests_of(monitor: Monitor) -> Iterator[list[Any]]:
    """Collect a sign of every request that reaches the application."""
    signs: list[Any] = []

    def note(*_: object, **__: object) -> None:
        signs.append(None)

    with request_started.connected_to(note, monitor.app):
        yield signs


def test_plain_question_does_not_reach_the_application(monitor: Monitor, client: FlaskClient) -> None:
    with requests_of(monitor) as reached:
        assert client.get("/api/status").status_code == 200
    assert not reached


@pytest.mark.parametrize(
    ("method", "path", "host", "status"),
    [
        ("GET", "/api/status?wait=0&since=1", "localhost", 200),
        ("HEAD", "/api/status", "localhost", 200),
        ("POST", "/api/status", "localhost", 405),
        ("GET", "/api/status", "evil.example", 421),
        ("GET", "/api/status", "", 421),
        ("GET", "//api/status", "localhost", 404),
        ("GET", "/api/status/", "localhost", 404),
    ],
)
def test_what_is_special_is_left_to_the_application(
    monitor: Monitor, client: FlaskClient, method: str, path: str, host: str, status: int
) -> None:
    with requests_of(monitor) as reached:
        assert client.open(path, method=method, headers={"Host": host}).status_code == status
    assert reached


def test_both_ways_give_the_same_answer_whatever_happens(monitor: Monitor, client: FlaskClient) -> None:
    def report(**fields: Any) -> None:
        assert client.post(REPORT, json=fields).status_code == 200

    happenings = (
        lambda: None,
        lambda: report(status="sending", message="帧 7", task_info={"cam": 2}),
        lambda: report(status="sending"),
        lambda: report(status="detecting", processed=3, low_confidence=2),
        lambda: report(status="detecting", processed=0, inference_seconds=0.1),
        lambda: report(status="detecting", session="a", sequence=1, totals={"processed": 9}),
        lambda: monitor.clock.set_wall(31_536_000.0),
        lambda: monitor.clock.pass_(61.0),
        lambda: report(status="idle", current_task="a"),
    )
    for happen in happenings:
        happen()
        short, long = client.get("/api/status"), client.get("/api/status?")
        through = client.get("/api/status?way=long")
        assert short.get_json() == long.get_json() == replies.status(monitor.status.view(), "M5")
        assert (short.data, short.status) == (through.data, through.status)
        assert sorted(short.headers) == sorted(through.headers)


def test_error_is_the_applications_to_answer_and_to_count(
    monitor: Monitor, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(replies, "status", fail)
    answer = client.get("/api/status")
    assert (answer.status_code, answer.get_json()) == (500, {"error": "internal error"})
    assert monitor.errors.http == 1
