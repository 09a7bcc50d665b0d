"""Health of a monitor from its reply and its supervisor's status."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.check import FAILING, HEALTHY, STARTING, UNREACHABLE, Check, HealthReply, judge, parse_health

WELL = HealthReply("", "1.0.0", 10.0)


def supervisor(seconds: float | None, error: str = "") -> dict[str, Any]:
    return {"pid": 1, "running_seconds": seconds, "error": error}


@pytest.mark.parametrize(
    ("reply", "status", "health", "detail"),
    [
        (WELL, supervisor(11.0), HEALTHY, ""),
        (WELL, supervisor(11.0, "ended by signal 9"), HEALTHY, ""),
        (WELL, supervisor(0.5), FAILING, "another monitor runs on this node"),
        (WELL, supervisor(None, "cannot listen"), FAILING, "cannot listen"),
        (WELL, None, STARTING, ""),
        (HealthReply("refused"), None, STARTING, ""),
        (HealthReply("refused"), supervisor(0.5), STARTING, ""),
        (HealthReply("refused"), supervisor(None, "cannot listen"), FAILING, "cannot listen"),
        (HealthReply("http_503"), supervisor(9.0), FAILING, "the journal cannot be written"),
        (HealthReply("timeout"), supervisor(9.0), FAILING, "timeout"),
        (HealthReply("timeout"), None, UNREACHABLE, "timeout"),
        (HealthReply("unreachable"), None, UNREACHABLE, "unreachable"),
    ],
)
def test_health_is_the_monitors_reply_and_its_supervisors_status_together(
    reply: HealthReply, status: dict[str, Any] | None, health: str, detail: str
) -> None:
    assert judge(reply, status)[:2] == (health, detail)


def test_healthy_monitor_tells_its_version_and_age() -> None:
    reply = parse_health(b'{"status": "healthy", "version": "1.0.0", "uptime_seconds": 10}')
    assert judge(reply, supervisor(11.0)) == Check(HEALTHY, "", "1.0.0", 10.0)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'{"status": "healthy"}', b'{"version": 1}'])
def test_reply_of_another_service_is_no_health(body: bytes) -> None:
    assert parse_health(body).reason == "another service answers on this port"


def test_check_tells_the_python_of_the_workers_where_the_supervisor_does() -> None:
    assert judge(WELL, {**supervisor(11.0), "python": "3.9.18"}).python == "3.9.18"
    assert judge(HealthReply("refused"), {**supervisor(0.5), "python": "3.9.18"}).python == "3.9.18"
    assert judge(WELL, supervisor(11.0)).python == ""
