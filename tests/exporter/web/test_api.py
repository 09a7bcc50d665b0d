"""The monitor's HTTP API, without a server."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from exporter.status.view import StatusView
from testkit.monitors import Monitor, running_monitor
from testkit.net import wait_for

REPORT = "/api/update_status"
WITH_IPV6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")


def test_status_has_every_field_and_type_of_the_contract(client: FlaskClient) -> None:
    client.post(REPORT, json={"status": "sending", "current_task": "frame 7", "task_info": {"cam": 2}})
    reply = client.get("/api/status").get_json()
    version = reply.pop("version")
    stamp = reply["timestamp"]
    assert isinstance(version, int)
    assert stamp.endswith("+00:00")
    assert reply == {
        "status": "sending",
        "timestamp": stamp,
        "latest_state": {
            "status": "sending",
            "timestamp": stamp,
            "current_task": "frame 7",
            "message": "",
            "task_info": {"cam": 2},
        },
        "stats": {"total_processed": 0, "low_confidence_count": 1, "sent_to_server": 1},
        "node_id": "M5",
        "stale": False,
    }


def test_latest_state_is_the_present_one_also_after_the_ttl(client: FlaskClient, monitor: Monitor) -> None:
    client.post(REPORT, json={"status": "sending", "message": "frame 7"})
    monitor.clock.pass_(10.0)
    client.post(REPORT, json={"status": "sending", "message": "frame 8"})
    for _ in range(2):
        reply = client.get("/api/status").get_json()
        latest = reply["latest_state"]
        assert (latest["status"], latest["timestamp"]) == (reply["status"], reply["timestamp"])
        assert latest["message"] == "frame 8"
        monitor.clock.pass_(61.0)
    assert (reply["status"], reply["stale"]) == ("idle", True)


def test_report_is_answered_with_what_it_did(client: FlaskClient) -> None:
    reply = client.post(REPORT, json={"status": "detecting"}).get_json()
    status = client.get("/api/status").get_json()
    assert reply == {
        "success": True,
        "status": "detecting",
        "timestamp": status["timestamp"],
        "version": status["version"],
    }


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"json": {"status": "flying"}}, 400),
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": "status=sending", "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"data": '{"status":"sending"}', "content_type": "text/plain"}, 415),
        ({"json": {"status": "sending", "message": "x" * 70_000}}, 413),
        ({"json": {"status": "sending"}, "headers": {"Origin": "http://evil.example"}}, 403),
        ({"json": {"status": "sending"}, "headers": {"Host": "evil.example"}}, 421),
        ({"json": {"status": "sending"}, "environ_base": {"REMOTE_ADDR": "192.0.2.7"}}, 403),
        (
            {
                "json": {"status": "sending"},
                "environ_base": {"REMOTE_ADDR": "192.0.2.7"},
                "headers": {"X-Forwarded-For": "127.0.0.1"},
            },
            403,
        ),
    ],
)
def test_refused_report_is_a_json_error_and_changes_nothing(
    client: FlaskClient, arguments: dict[str, Any], code: int
) -> None:
    before = client.get("/api/status").get_json()
    reply = client.post(REPORT, **arguments)
    assert reply.status_code == code
    assert list(reply.get_json()) == ["error"]
    assert client.get("/api/status").get_json() == before


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        ({"Authorization": "Bearer right"}, "", 200),
        ({"Authorization": "Bearer wrong"}, "", 401),
        ({}, "", 403),
        ({}, "?token=right", 403),
    ],
)
def test_token_lets_other_machines_write(tmp_path: Path, headers: dict[str, str], query: str, code: int) -> None:
    with running_monitor(tmp_path, token="right") as monitor:
        reply = monitor.app.test_client().post(
            REPORT + query, json={"status": "sending"}, headers=headers, environ_base={"REMOTE_ADDR": "192.0.2.7"}
        )
    assert reply.status_code == code


def test_no_page_of_another_origin_may_write_but_all_may_read(client: FlaskClient) -> None:
    assert client.get("/api/status").headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in client.post(REPORT, json={"status": "idle"}).headers


@pytest.mark.parametrize("node_id", ["M5", "m5", "board-5", "127.0.0.1", pytest.param("::1", marks=WITH_IPV6)])
def test_node_answers_to_its_names_and_addresses(client: FlaskClient, node_id: str) -> None:
    reply = client.get(f"/api/nodes/{node_id}/status").get_json()
    assert (reply["node_id"], reply["status"]) == ("M5", "idle")
    assert reply["details"]["stats"]["total_processed"] == 0


@pytest.mark.parametrize(
    "path",
    ["/api/nodes/M6/status", "/api/nodes/0.0.0.0/status", "/api/nodes/..%2f..%2fetc%2fpasswd/status", "/nothing"],
)
def test_what_is_not_there_is_a_json_404(client: FlaskClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 404
    assert "error" in reply.get_json()


def test_alerts_come_newest_first_and_limited(client: FlaskClient) -> None:
    for number in range(3):
        client.post(REPORT, json={"status": "sending", "message": f"{number}", "task_info": {"n": number}})
    alerts = client.get("/api/alerts?limit=2").get_json()["alerts"]
    assert [(alert["id"], alert["message"], alert["task_info"]) for alert in alerts] == [
        (3, "2", {"n": 2}),
        (2, "1", {"n": 1}),
    ]
    assert {alert["node_id"] for alert in alerts} == {"M5"}


def test_history_tells_the_stays_oldest_first_with_the_present_one(monitor: Monitor, client: FlaskClient) -> None:
    for name, seconds in (("detecting", 10), ("sending", 5), ("idle", 2)):
        client.post(REPORT, json={"status": name})
        monitor.clock.pass_(seconds)
    stays = [(row["status"], row["duration_seconds"]) for row in client.get("/api/history").get_json()]
    assert stays == [("idle", 0), ("detecting", 10), ("sending", 5), ("idle", 2)]
    since = monitor.clock.time() - 4
    assert [row["status"] for row in client.get(f"/api/history?since={since}").get_json()] == ["sending", "idle"]


@pytest.mark.parametrize(
    "path",
    ["/api/alerts?limit=0", "/api/alerts?limit=x", "/api/history?since=yesterday", "/api/status?wait=-1&since=1",
     "/api/status?wait=nan&since=1", "/api/history?since=2026-01-01T00:00:00"],
)  # fmt: skip
def test_wrong_parameter_is_named(client: FlaskClient, path: str) -> None:
    reply = client.get(path)
    assert reply.status_code == 400
    assert reply.get_json()["error"].split(":")[0] in path


def waiting(monitor: Monitor) -> int:
    """Return how many long polls wait inside the status machine."""
    with monitor.status._changed:
        return len(monitor.status._changed._waiters)  # type: ignore[attr-defined] # threading.Condition's own list


@pytest.mark.parametrize(("asked", "waited"), [("3", 3.0), ("25", 25.0), ("26", 25.0), ("1e9", 25.0)])
def test_wait_is_cut_to_25_seconds(
    monitor: Monitor, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, asked: str, waited: float
) -> None:
    waits = []

    def wait_past(version: int, seconds: float) -> StatusView:
        waits.append(seconds)
        return monitor.status.view()

    monkeypatch.setattr(monitor.status, "wait_past", wait_past)
    assert client.get(f"/api/status?wait={asked}&since=1").status_code == 200
    assert waits == [waited]


def test_long_poll_ends_with_the_next_change(monitor: Monitor) -> None:
    version = monitor.status.view().version
    replies: list[Any] = []

    def wait() -> None:
        replies.append(monitor.app.test_client().get(f"/api/status?wait=25&since={version}").get_json())

    waiter = threading.Thread(target=wait)
    waiter.start()
    wait_for(lambda: waiting(monitor) == 1, "the waiter", 10)
    assert not replies
    monitor.app.test_client().post(REPORT, json={"status": "sending"})
    waiter.join(10)
    assert replies[0]["status"] == "sending"
    assert replies[0]["version"] > version


def test_one_waiter_too_many_is_answered_at_once_and_all_are_released_at_the_end(monitor: Monitor) -> None:
    path = f"/api/status?wait=25&since={monitor.status.view().version}"
    done = threading.Semaphore(0)

    def wait() -> None:
        monitor.app.test_client().get(path)
        done.release()

    waiters = [threading.Thread(target=wait) for _ in range(8)]
    for waiter in waiters:
        waiter.start()
    wait_for(lambda: waiting(monitor) == 8, "eight waiters", 10)
    began = time.monotonic()
    assert monitor.app.test_client().get(path).status_code == 200
    assert time.monotonic() - began < 5
    assert not done.acquire(blocking=False)
    assert waiting(monitor) == 8
    monitor.status.release_waiters()
    for waiter in waiters:
        waiter.join(10)
        assert not waiter.is_alive()


def test_health_tells_why_the_journal_cannot_be_written(monitor: Monitor, client: FlaskClient) -> None:
    assert client.get("/api/health").get_json()["status"] == "healthy"
    monitor.journal.failure = "database or disk is full"
    reply = client.get("/api/health")
    assert reply.status_code == 503
    assert "disk is full" in reply.get_json()["reason"]


def test_unforeseen_error_is_counted_and_tells_nothing(monitor: Monitor, client: FlaskClient) -> None:
    def broken() -> None:
        raise RuntimeError("secret")

    monitor.app.add_url_rule("/broken", "broken", broken)
    reply = client.get("/broken")
    assert (reply.status_code, reply.get_json()) == (500, {"error": "internal error"})
    assert monitor.errors.http == 1


HEADERS_OF_DASHBOARDS = ("Content-Type", "Cache-Control", "X-Requested-With", "Authorization")


def preflight(client: FlaskClient, path: str, method: str) -> Any:
    return client.options(
        path,
        headers={
            "Origin": "http://dashboard.example",
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": ",".join(HEADERS_OF_DASHBOARDS).lower(),
        },
    )


@pytest.mark.parametrize("path", ["/api/status", "/api/history", "/api/nodes/M5/status", "/metrics", "/api/health"])
def test_preflight_of_a_read_allows_the_headers_that_dashboards_send(client: FlaskClient, path: str) -> None:
    reply = preflight(client, path, "GET")
    assert reply.status_code == 200
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert set(reply.headers["Access-Control-Allow-Headers"].split(", ")) == set(HEADERS_OF_DASHBOARDS)
    assert "POST" not in reply.headers["Access-Control-Allow-Methods"]


def test_preflight_of_a_write_allows_nothing(client: FlaskClient) -> None:
    reply = preflight(client, REPORT, "POST")
    assert not [name for name, _ in reply.headers if name.startswith("Access-Control")]


def test_preflight_under_an_unknown_host_name_is_refused(client: FlaskClient) -> None:
    reply = client.options("/api/status", headers={"Host": "evil.example"})
    assert reply.status_code == 421
    assert "Access-Control-Allow-Headers" not in reply.headers
