"""What is tried at the monitor: writes by web pages and strangers, values that would harm its readers."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from testkit.running import RunningMonitor
from tests.attacks.http import refusal, reply, request, update
from tests.fuzz.http import series

SENDING = b'{"status":"sending"}'


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMonitor]:
    with RunningMonitor(tmp_path_factory.mktemp("monitor")) as running:
        yield running


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (update(SENDING, "Content-Type: text/plain"), 415),
        (update(SENDING, "Content-Type: text/plain; application/json"), 415),
        (update(b"status=sending", "Content-Type: application/x-www-form-urlencoded"), 415),
        (update(SENDING, "Content-Type: multipart/form-data; boundary=x"), 415),
        (request("POST /api/update_status HTTP/1.1", body=SENDING), 415),
        (update(SENDING, "Origin: http://evil.example"), 403),
        (update(SENDING, "Origin: null"), 403),
        (update(SENDING, "Origin: http://localhost"), 403),
        (update(SENDING, "Origin;"), 400),
        (update(SENDING, host="evil.example"), 421),
        (update(SENDING, host="evil.example:80"), 421),
        (request("GET /api/update_status?status=sending HTTP/1.1"), 405),
        (request("PUT /api/update_status HTTP/1.1", "Content-Type: application/json", body=SENDING), 405),
    ],
)  # fmt: skip
def test_web_page_cannot_write(monitor: RunningMonitor, raw: bytes, status: int) -> None:
    before = monitor.status()
    assert refusal(monitor, raw)[0] == status
    assert monitor.status() == before


def test_preflight_of_a_web_page_is_not_granted(monitor: RunningMonitor) -> None:
    raw = request(
        "OPTIONS /api/update_status HTTP/1.1",
        "Origin: http://evil.example",
        "Access-Control-Request-Method: POST",
        "Access-Control-Request-Headers: content-type",
    )
    headers = reply(monitor, raw).headers
    assert not [name for name in headers if name.startswith("access-control-allow")]


class GuardedMonitor(RunningMonitor):
    """A monitor to which this test is another machine."""

    module = "testkit.foreign_loopback"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMonitor]:
    directory = tmp_path_factory.mktemp("guarded")
    (directory / "token").write_text("right-token\n")
    options = ("--trusted-writers", "192.0.2.1", "--token-file", str(directory / "token"))
    with GuardedMonitor(directory, *options) as running:
        yield running


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ((), "", 403),
        ((), "?token=right-token&access_token=right-token", 403),
        (("X-Forwarded-For: 192.0.2.1",), "", 403),
        (("Forwarded: for=192.0.2.1", "X-Real-IP: 192.0.2.1", "X-Forwarded-Host: 192.0.2.1"), "", 403),
        (("Cookie: token=right-token",), "", 403),
        (("Authorization: Basic cmlnaHQtdG9rZW4=",), "", 403),
        (("Authorization: Bearer wrong",), "", 401),
        (("Authorization: Bearer right-toke",), "", 401),
        (("Authorization: Bearer right-token right-token",), "", 401),
        (("Authorization: Bearer \u00e9\u00ff",), "", 401),
        (("Authorization: Bearer",), "", 401),
    ],
)
def test_stranger_cannot_write(guarded: RunningMonitor, headers: tuple[str, ...], query: str, status: int) -> None:
    before = guarded.status()
    assert refusal(guarded, update(SENDING, *headers, path=f"/api/update_status{query}"))[0] == status
    assert guarded.status() == before
    assert "right-token" not in guarded.process.output()


def test_holder_of_the_token_can(guarded: RunningMonitor) -> None:
    assert reply(guarded, update(SENDING, "Authorization: Bearer right-token")).status == 200
    assert guarded.status()["status"] == "sending"


def nested(depth: int) -> bytes:
    return b'{"status":"idle","task_info":' + b'{"a":' * depth + b"0" + b"}" * (depth + 1)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"status":"sending","message":"\\ud800"}', 400),
        (b'{"status":"sending","current_task":"\\udfff\\ud800"}', 400),
        (b'{"status":"sending","task_info":{"\\ud83d":1}}', 400),
        (b'{"status":"sending","session":"\\udc00"}', 400),
        (b'{"status":"sending","message":"\xed\xa0\x80"}', 400),
        (b'{"status":"sending","message":"\xff"}', 400),
        (b'{"status":"sending","ttl":NaN}', 400),
        (b'{"status":"sending","task_info":{"a":Infinity}}', 400),
        (b'{"status":"sending","task_info":{"a":-Infinity}}', 400),
        (b'{"status":"sending","inference_seconds":1e999}', 400),
        (b'{"status":"sending","task_info":{"a":1' + b"0" * 400 + b"}}", 400),
        (b'{"status":"sending","task_info":{"a":1' + b"0" * 5000 + b"}}", 400),
        (b'{"status":"sending","processed":-1}', 400),
        (b'{"status":"sending","processed":1e3}', 400),
        (b'{"status":"sending","processed":true}', 400),
        (b'{"status":"sending","status":"idle"}', 400),
        (b'{"status":["sending"]}', 400),
        (b'{"status":{"$ne":null}}', 400),
        (b'{"status":"__proto__"}', 400),
        (b'{"status":"sending","__proto__":{"status":"idle"}}', 400),
        (b'{"status":"sending","task_info":{"a":[{"__proto__":{"x":1}}]}}', 400),
        (b'{"status":"sending","totals":{"__proto__":1},"session":"a"}', 400),
        (b'{"status":"unknown"}', 400),
        (b'["sending"]', 400),
        (b"null", 400),
        (b"{", 400),
        (b"\xef\xbb\xbf" + SENDING, 400),
        (SENDING.decode().encode("utf-16"), 400),
        (nested(33), 400),
        (nested(10_000), 400),
        (b"[" * 60_000, 400),
        (b'{"status":"sending","message":"' + b"x" * 65_536 + b'"}', 413),
        (b'{"status":"sending","task_info":{"a":"' + b"x" * 17_000 + b'"}}', 400),
    ],
)
def test_harmful_report_changes_nothing(monitor: RunningMonitor, body: bytes, status: int) -> None:
    before = monitor.status()
    assert refusal(monitor, update(body))[0] == status
    assert monitor.status() == before
    assert monitor.get("/metrics").ok


def test_ten_megabytes_are_refused_by_their_announcement(monitor: RunningMonitor) -> None:
    before = monitor.resources()["megabytes"]
    head = update(b"").replace(b"Connection: close\r\n", b"Connection: close\r\nContent-Length: 10000000\r\n")
    assert refusal(monitor, head)[0] == 413
    assert monitor.resources()["megabytes"] - before < 3


HOSTILE = "<img src=x onerror=alert(1)>\"'\\\r\n2026 ERROR fake\x00\x1b[31m\u202egnp.exe\u2028\x85{{7*7}}%s${x}"


def test_hostile_text_is_kept_as_text_and_the_log_stays_in_lines(monitor: RunningMonitor) -> None:
    known = series(monitor)
    assert monitor.report(
        status="sending", message=HOSTILE, current_task=HOSTILE, session=HOSTILE[:60], totals={"sent_to_server": 1},
        task_info={HOSTILE: HOSTILE, "constructor": {"x": 1}}, timestamp=HOSTILE[:60],
    ).ok  # fmt: skip
    latest = monitor.status()["latest_state"]
    assert (latest["message"], latest["current_task"]) == (HOSTILE, HOSTILE)
    assert latest["task_info"][HOSTILE] == HOSTILE
    assert monitor.get("/api/alerts?limit=1").json()["alerts"][0]["message"] == HOSTILE
    assert monitor.report(status=HOSTILE).status_code == 400
    assert monitor.report(**{"status": "idle", HOSTILE: 1}).ok
    assert {line.partition("{")[0] for line in series(monitor)} == {line.partition("{")[0] for line in known} | {
        "cmzsb_last_report_timestamp_seconds"
    }
    assert "onerror" not in monitor.get("/metrics").text
    lines = monitor.process.output().splitlines()
    assert all(line.startswith("20") and line.isprintable() for line in lines), lines


def test_20000_different_values_make_no_new_series(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path) as monitor, requests.Session() as session:
        assert monitor.report(status="idle").ok
        known = series(monitor)
        for number in range(0, 20_000, 100):
            fields = {"status": "idle", "message": f"a{number}", "session": f"s{number}", "totals": {"processed": 1}}
            # A hundred values a report: its own and 99 unknown fields.
            fields |= {f"field{number + n}": n for n in range(99)}
            assert session.post(f"{monitor.url}/api/update_status", json=fields, timeout=10).ok
        assert series(monitor) == known
        assert monitor.stats()["total_processed"] == 200


def test_error_in_a_handler_tells_nothing_is_counted_and_logged(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path) as monitor:
        # Text that the API itself would refuse, put behind its back into the journal.
        assert monitor.report(status="sending", task_info={"a": 1}).ok
        with sqlite3.connect(monitor.state / "journal.sqlite3") as database:
            database.execute("UPDATE alerts SET task_info = '{secret'")
        answer = monitor.get("/api/alerts")
        assert (answer.status_code, answer.json()) == (500, {"error": "internal error"})
        assert monitor.get("/api/alerts").status_code == 500
        assert 'cmzsb_http_errors_total{node="M5"} 2.0' in monitor.get("/metrics").text
        assert monitor.process.output().count("handler_failed") == 2
        assert json.loads(monitor.get("/api/status").text)["stats"]["sent_to_server"] == 1
