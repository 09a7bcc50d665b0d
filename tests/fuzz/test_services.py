"""Odd requests to running services: no 5xx, no trace, no new series, nothing changed by what was refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testkit.alert_payloads import alert, payload
from testkit.fake_chats import FakeChats
from testkit.fake_ray import FakeRay, RayNode
from testkit.hostile import GOOD, serving
from testkit.net import wait_for
from testkit.running import RunningBridge, RunningMonitor, RunningNotify, Service
from tests.fuzz.cases import cases
from tests.fuzz.http import HEADERS, HOSTS, METHODS, PATHS, ask, series
from tests.fuzz.reports import BODIES
from tests.fuzz.webhooks import WEBHOOKS

pytestmark = pytest.mark.timeout(0)  # `make fuzz` may ask for any number of cases

JSON = ["Content-Type: application/json"]
GROWTH = 5.0
"""Megabytes by which a service may have grown afterwards: allocators keep what large bodies took."""


def test_monitor_stands_odd_requests(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path, "--log-level", "error", "--report-ttl", "86400") as monitor:

        @cases(0.25)
        @given(METHODS, PATHS, HOSTS, HEADERS, BODIES | st.just(b""))
        def odd(method: str, path: str, host: str, headers: list[str], body: bytes) -> None:
            ask(monitor, method, path, host, headers, body)

        @cases(0.25)
        @given(BODIES, st.sampled_from([JSON, JSON, JSON, ["Content-Type: text/plain"], [*JSON, "Origin: http://a"]]))
        def report(body: bytes, headers: list[str]) -> None:
            before = monitor.status()
            answer = ask(monitor, "POST", "/api/update_status", "localhost", headers, body)
            if answer.status != 200:
                assert monitor.status() == before

        assert monitor.report(status="idle", ttl=86400).ok
        known = series(monitor)
        report()
        megabytes = monitor.resources()["megabytes"]
        odd()
        assert monitor.resources()["megabytes"] - megabytes < GROWTH
        assert series(monitor) == known
        assert 'cmzsb_http_errors_total{node="M5"} 0.0' in monitor.get("/metrics").text
        assert monitor.get("/api/health").ok


def test_bridge_stands_odd_requests(tmp_path: Path) -> None:
    with serving(GOOD) as node, FakeRay(RayNode("M5", "127.0.0.1")) as ray:
        options = ("--ray-dashboard", ray.url, "--monitor-port", str(node.address.port), "--log-level", "error")
        with RunningBridge(tmp_path, *options) as bridge:

            @cases(0.5)
            @given(METHODS, PATHS, HOSTS, HEADERS, st.binary(max_size=50))
            def odd(method: str, path: str, host: str, headers: list[str], body: bytes) -> None:
                ask(bridge, method, path, host, headers, body)

            wait_for(lambda: bridge.nodes()["M5"]["workStatusReachable"], "the first answer")
            known = series(bridge)
            for _ in range(300):  # until the process that serves has its own copy of what it got by the fork
                ask(bridge, "GET", "/nothing", "localhost", [])
            megabytes = bridge.resources()["megabytes"]
            odd()
            assert bridge.resources()["megabytes"] - megabytes < GROWTH
            assert series(bridge) == known
            assert "castray_bridge_http_errors_total 0.0" in bridge.get("/metrics").text
            assert bridge.nodes()["M5"]["workStatus"] == "detecting"


def status_of(service: Service, head: list[str], body: bytes) -> int:
    """Return the status of the reply to one request, 0 where the service hangs up before it has read the body.

    cmzsb-notify speaks with Alertmanager: unlike those of monitor and bridge, its server refuses malformed requests in
    a text of its own, at once.
    """
    lines = [*head, "Connection: close", f"Content-Length: {len(body)}"]
    try:
        raw = service.talk("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
    except (ConnectionResetError, BrokenPipeError):
        return 0
    status = int(raw.split(b" ", 2)[1])
    assert 200 <= status < 500, (lines, raw[:500])
    assert b"Traceback" not in raw
    return status


def test_notify_stands_odd_requests(tmp_path: Path) -> None:
    with FakeChats() as chats, RunningNotify(tmp_path, f"all zh {chats.wecom_url}\n", "--log-level", "error") as notify:

        @cases(0.5)
        @given(METHODS, PATHS, HOSTS, HEADERS, BODIES | st.just(b""))
        def odd(method: str, path: str, host: str, headers: list[str], body: bytes) -> None:
            status_of(notify, [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers], body)

        @cases(0.5)
        @given(WEBHOOKS, st.sampled_from([JSON, JSON, JSON, ["Content-Type: text/plain"], [*JSON, "Origin: http://a"]]))
        def post(body: bytes, headers: list[str]) -> None:
            before = chats.wecom.attempts
            if status_of(notify, ["POST /alerts HTTP/1.1", "Host: localhost", *headers], body) != 200:
                assert chats.wecom.attempts == before

        for number in range(200):  # until what the first deliveries load is there
            assert notify.post(payload(alert("CmzsbMonitorDown", f"M{number}"))).status_code == 200
        known = series(notify)
        megabytes = notify.resources()["megabytes"]
        post()
        odd()
        assert notify.resources()["megabytes"] - megabytes < GROWTH
        assert series(notify) == known
        assert chats.wecom.messages
        assert chats.mentions == []
        assert "cmzsb_notify_http_errors_total 0.0" in notify.get("/metrics").text
        assert notify.get("/api/health").ok
