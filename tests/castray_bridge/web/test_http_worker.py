"""The serving process against malformed requests and clients that do not close their side."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from testkit.fake_ray import FakeRay, RayNode
from testkit.net import wait_for
from testkit.running import RunningBridge
from testkit.slow_clients import crowd, idle

GET = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBridge]:
    with (
        FakeRay(RayNode("M1", "127.0.0.1")) as ray,
        RunningBridge(tmp_path_factory.mktemp("bridge"), "--ray-dashboard", ray.url) as running,
    ):
        wait_for(lambda: running.get("/api/health").ok, "the list of nodes")
        yield running


def connect(bridge: RunningBridge) -> socket.socket:
    host, _, port = bridge.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port.rstrip("/"))), timeout=5)


def exchange(bridge: RunningBridge, request: bytes) -> bytes:
    """Send `request` and return all that comes until the server closes the connection."""
    with connect(bridge) as client:
        client.sendall(request)
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"414"),
        (GET + b"X: " + b"a" * 9000 + b"\r\n\r\n", b"431"),
        (GET + b"X: 1\r\n" * 200 + b"\r\n", b"431"),
        (GET + b"Expect: something\r\n\r\n", b"417"),
        (b"GARBAGE\r\n\r\n", b"400"),
        (GET + b"Content-Length: x\r\n\r\n", b"400"),
    ],
)
def test_malformed_request_gets_a_json_error(bridge: RunningBridge, request_: bytes, status: bytes) -> None:
    head, _, body = exchange(bridge, request_).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"Content-Type: application/json" in head
    assert list(json.loads(body)) == ["error"]


def test_five_clients_that_never_close_their_side_delay_no_other(bridge: RunningBridge) -> None:
    with ExitStack() as stack:
        for _ in range(5):
            client = stack.enter_context(connect(bridge))
            client.sendall(GET + b"Connection: close\r\n\r\n")
            assert client.recv(12) == b"HTTP/1.1 200"
        slowest = 0.0
        for _ in range(20):
            begun = time.monotonic()
            assert bridge.get("/api/health").ok
            slowest = max(slowest, time.monotonic() - begun)
    assert slowest < 0.4


def test_reply_survives_a_request_with_unread_bytes(bridge: RunningBridge) -> None:
    reply = exchange(bridge, GET + b"Content-Length: 60000\r\n\r\n" + b"x" * 60000)
    assert reply.startswith(b"HTTP/1.1 200")
    assert reply.endswith(b"}\n")


def test_connection_without_a_body_is_kept_alive(bridge: RunningBridge) -> None:
    with connect(bridge) as client:
        for _ in range(3):
            client.sendall(GET + b"\r\n")
            reply = b""
            while not reply.endswith(b"}\n"):
                reply += client.recv(65536)
            assert reply.startswith(b"HTTP/1.1 200")


def test_closed_connections_are_counted_off(bridge: RunningBridge) -> None:
    """A connection that is counted off twice would in time let in more clients than there are descriptors."""
    before = bridge.resources()
    for _ in range(50):
        exchange(bridge, GET + b"Connection: close\r\n\r\n")
    wait_for(lambda: bridge.resources()["descriptors"] <= before["descriptors"] + 2, "closed descriptors", 10)
    assert "Traceback" not in bridge.process.output()


def test_malformed_requests_fill_no_log(bridge: RunningBridge) -> None:
    for _ in range(30):
        exchange(bridge, b"GARBAGE\r\n\r\n")
    assert 1 <= bridge.process.output().count("request_refused") <= 20


def test_worker_goes_on_where_the_system_gives_no_further_thread(tmp_path: Path) -> None:
    with (
        FakeRay(RayNode("M1", "127.0.0.1")) as ray,
        RunningBridge(tmp_path, "--ray-dashboard", ray.url, "--refresh", "60") as bridge,
    ):
        wait_for(lambda: bridge.get("/api/health").ok, "the list of nodes")
        _, worker = bridge.processes()
        room = worker.memory_info().vms + 200 * 1024 * 1024  # for the stacks of some twenty threads
        worker.rlimit(psutil.RLIMIT_AS, (room, room))
        with crowd(bridge, 60, idle):
            wait_for(lambda: "thread_failed" in bridge.process.output(), "the first thread that is not given", 30)
        wait_for(lambda: bridge.get("/api/health").ok, "a reply by the threads that there are", 60)
        assert bridge.processes()[1] == worker
        assert "Traceback" not in bridge.process.output()
