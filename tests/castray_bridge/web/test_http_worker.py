"""The serving process against malformed requests and clients that do not close their side."""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from gunicorn.workers.gthread import ThreadWorker

from castray_bridge.web.http_worker import HTTPWorker
from testkit.fake_ray import FakeRay, RayNode
from testkit.net import wait_for
from testkit.running import RunningBridge
from testkit.slow_clients import crowd, slow_header

GET = b"GET /api/health HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBridge]:
    # Most of them are refused: they make the list larger than the buffers on the way.
    nodes = [RayNode("M1", "127.0.0.1"), *(RayNode(f"N{n}", f"127.3.0.{n}") for n in range(1, 200))]
    with (
        FakeRay(*nodes) as ray,
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
        with crowd(bridge, 60, slow_header):
            wait_for(lambda: "thread_failed" in bridge.process.output(), "the first thread that is not given", 30)
        wait_for(lambda: bridge.get("/api/health").ok, "a reply by the threads that there are", 60)
        assert bridge.processes()[1] == worker
        assert "Traceback" not in bridge.process.output()


DASHBOARD = b"GET /api/ray-dashboard HTTP/1.1\r\nHost: localhost\r\n\r\n"


def read_reply(client: socket.socket, received: bytes = b"") -> tuple[bytes, bytes]:
    """Return the next reply with a `Content-Length`, and what came after it."""
    while b"\r\n\r\n" not in received:
        received += client.recv(65536)
    head, _, rest = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(rest) < length:
        rest += client.recv(65536)
    return head + b"\r\n\r\n" + rest[:length], rest[length:]


def test_request_that_repeats_is_answered_over_any_connection(bridge: RunningBridge) -> None:
    for _ in range(3):
        with connect(bridge) as client:
            for _ in range(5):
                client.sendall(DASHBOARD)
                reply, rest = read_reply(client)
                assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
                assert json.loads(reply.partition(b"\r\n\r\n")[2])["result"] is True
                assert rest == b""


def test_requests_in_one_packet_are_answered_in_turn(bridge: RunningBridge) -> None:
    with connect(bridge) as client:
        client.sendall(DASHBOARD * 3 + GET + b"\r\n" + DASHBOARD)
        rest, replies = b"", []
        for _ in range(5):
            reply, rest = read_reply(client, rest)
            replies.append(b'"uptime_seconds"' in reply)
        assert replies == [False, False, False, True, False]


def test_request_in_pieces_is_answered(bridge: RunningBridge) -> None:
    with connect(bridge) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(2):
            for place in range(0, len(DASHBOARD), 20):
                client.sendall(DASHBOARD[place : place + 20])
                time.sleep(0.005)
            assert read_reply(client)[0].startswith(b"HTTP/1.1 200 OK\r\n")


def test_client_that_leaves_within_a_reply_is_counted_off(bridge: RunningBridge) -> None:
    before = bridge.resources()
    for _ in range(50):
        with connect(bridge) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(DASHBOARD)
    wait_for(lambda: bridge.resources()["descriptors"] <= before["descriptors"] + 2, "closed descriptors", 10)
    assert "Traceback" not in bridge.process.output()


def test_connections_that_send_nothing_hold_no_thread(bridge: RunningBridge) -> None:
    before = bridge.resources()["threads"]
    with ExitStack() as stack:
        clients = [stack.enter_context(connect(bridge)) for _ in range(100)]
        assert bridge.get("/api/health").ok
        assert bridge.resources()["threads"] - before < 10
        for client in clients[::10]:
            client.sendall(DASHBOARD)
            assert read_reply(client)[0].startswith(b"HTTP/1.1 200 OK\r\n")


def test_reader_that_takes_little_at_a_time_gets_the_whole_reply_and_holds_no_thread(bridge: RunningBridge) -> None:
    host, _, port = bridge.address.partition(":")
    with connect(bridge) as client:
        client.sendall(DASHBOARD)  # known from now on
        read_reply(client)
    before = bridge.resources()["threads"]
    with ExitStack() as stack:
        clients = []
        for _ in range(30):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.settimeout(5)
            client.connect((host, int(port)))
            clients.append(client)
        for _ in range(2):
            for client in clients:
                client.sendall(DASHBOARD)
            begun = time.monotonic()
            assert bridge.get("/api/health").ok
            assert time.monotonic() - begun < 1
            assert bridge.resources()["threads"] - before < 30
            for client in clients:
                reply, rest = read_reply(client)
                assert (len(reply) > 100_000, rest) == (True, b"")
                assert len(json.loads(reply.partition(b"\r\n\r\n")[2])["data"]["nodes"]) == 200


class NoSocket:
    """A worker's connection without a socket: enough for a request that the application does not see."""

    sock = client = server = None
    head = DASHBOARD


def test_head_that_was_peeked_at_belongs_to_one_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one that came with it is parsed from what the parser has read ahead."""
    seen = []

    class Ready:
        def may_learn(self, head: bytes, _: object) -> bool:
            seen.append(head)
            return False

    class Request:
        headers = ()

    worker, conn = HTTPWorker.__new__(HTTPWorker), NoSocket()
    worker._ready = Ready()  # type: ignore[assignment] # all that is asked of it
    monkeypatch.setattr(ThreadWorker, "handle_request", lambda *_: True)
    assert worker.handle_request(Request(), conn)
    assert worker.handle_request(Request(), conn)
    assert seen == [DASHBOARD, b""]
