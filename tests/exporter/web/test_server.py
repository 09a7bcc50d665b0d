"""The server's treatment of its clients, turn by turn."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from flask import Flask
from waitress import wasyncore

from exporter.web import server as server_module
from exporter.web.channel import IDLE_SECONDS, LINGER_BYTES, LINGER_SECONDS, STALLED_SECONDS, Channel
from exporter.web.refusals import RejectedReports
from exporter.web.server import Server
from servicekit.address import Address

LARGE = 8_000_000
"""More than the kernel takes over for a client that does not read."""
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


class Bench:
    """A server of large replies that the test drives, and the clients it has."""

    def __init__(self) -> None:
        self.asked = 0
        app = Flask("large")

        @app.get("/")
        def large() -> bytes:
            self.asked += 1
            return b"x" * LARGE

        self.server = Server(app, Address("127.0.0.1", 0), RejectedReports(lambda: None))
        self.listener = self.server._listener

    def client(self) -> socket.socket:
        peer = socket.socket()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before it connects: the window stays small
        peer.settimeout(10)
        peer.connect(self.server.address)
        self.until(lambda: any(channel.addr == peer.getsockname() for channel in self.channels))
        return peer

    @property
    def channels(self) -> list[Channel]:
        return list(self.listener.active_channels.values())

    def until(self, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not done():
            assert time.monotonic() < deadline
            self.server._turn(0.05)

    def close(self) -> None:
        self.listener.task_dispatcher.shutdown()
        wasyncore.close_all(self.listener._map, ignore_all=True)


@pytest.fixture
def bench() -> Iterator[Bench]:
    with closing(Bench()) as made:
        yield made


def stuck(bench: Bench, peer: socket.socket, requests: bytes = GET) -> Channel:
    """Let `peer` ask and take nothing; return its channel once the reply waits for it."""
    (channel,) = [channel for channel in bench.channels if channel.addr == peer.getsockname()]
    peer.sendall(requests)
    bench.until(lambda: bool(channel.total_outbufs_len and not channel.requests))
    return channel


def take(peer: socket.socket, count: int) -> None:
    """Read `count` bytes."""
    while count > 0:
        count -= len(peer.recv(1_000_000))


def test_request_sent_ahead_waits_until_the_reply_before_it_is_taken(bench: Bench) -> None:
    with bench.client() as peer:
        channel = stuck(bench, peer, GET * 3)
        for _ in range(5):
            bench.server._turn(0.02)
        assert bench.asked == 1
        assert channel.held_bytes > 2 * len(GET)
        reader = threading.Thread(target=take, args=(peer, 3 * LARGE))
        reader.start()
        bench.until(lambda: not reader.is_alive())
        assert bench.asked == 3


def test_head_and_body_of_a_reply_are_sent_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[bytes] = []
    send = Channel.send

    def note(channel: Channel, data: bytes, **options: bool) -> int:
        sent.append(data)
        return int(send(channel, data, **options))

    monkeypatch.setattr(Channel, "send", note)
    with closing(bench.client()) as peer:
        peer.sendall(GET)
        bench.until(lambda: bool(sent))
        assert sent[0].startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"\r\n\r\nxxx" in sent[0]


def test_client_that_takes_nothing_is_dropped_after_a_while_and_an_idle_one_later(bench: Bench) -> None:
    with bench.client() as mute, bench.client() as idle:
        stuck(bench, mute)
        bench.listener.maintenance(time.monotonic() + STALLED_SECONDS - 2)
        bench.server._turn(0)
        assert len(bench.channels) == 2
        bench.listener.maintenance(time.monotonic() + STALLED_SECONDS + 0.1)
        bench.until(lambda: [channel.addr for channel in bench.channels] == [idle.getsockname()])
        bench.listener.maintenance(time.monotonic() + IDLE_SECONDS + 0.1)
        bench.until(lambda: not bench.channels)


def test_when_clients_hold_too_much_the_one_silent_for_longest_goes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bench.client() as first, bench.client() as second:
        stuck(bench, first)
        younger = stuck(bench, second)
        monkeypatch.setattr(server_module, "_HELD_LIMIT", LARGE)
        bench.listener.maintenance(time.monotonic())
        bench.until(lambda: bench.channels == [younger])


def test_inactivity_is_measured_by_the_monotonic_clock(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with bench.client():
        for jump in (1e9, -1e9):
            now = time.time()
            monkeypatch.setattr(time, "time", lambda wall=now + jump: wall)
            bench.server._cleanup_due = 0.0
            bench.server._turn(0.01)
            assert bench.channels
        bench.listener.maintenance(time.monotonic() + IDLE_SECONDS + 1)
        bench.until(lambda: not bench.channels)


def test_connections_leave_descriptors_for_the_service_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "allow_descriptors", lambda wanted: 1024)
    with closing(Bench()) as small:
        assert 2 * small.listener.adj.connection_limit <= 1024 - 64


def test_client_that_is_still_sending_reads_the_rejection_and_is_then_closed(bench: Bench) -> None:
    with closing(bench.client()) as peer:
        peer.sendall(b"GET /" + b"a" * 20_000)
        (channel,) = bench.channels
        bench.until(lambda: channel._linger_until is not None)
        peer.sendall(b"a" * 10_000)
        bench.until(lambda: channel._linger_bytes < LINGER_BYTES)
        assert peer.recv(100).startswith(b"HTTP/1.0 431")
        assert not channel.is_overdue(time.monotonic())
        assert channel.is_overdue(time.monotonic() + LINGER_SECONDS)
        peer.close()
        bench.until(lambda: not bench.channels)


def test_client_that_sends_without_end_after_a_rejection_is_closed(bench: Bench) -> None:
    with closing(bench.client()) as peer:
        peer.sendall(b"GET /" + b"a" * 20_000)
        (channel,) = bench.channels
        bench.until(lambda: channel._linger_until is not None)
        channel._linger_bytes = 1
        peer.sendall(b"a" * 1000)
        bench.until(lambda: not bench.channels)
