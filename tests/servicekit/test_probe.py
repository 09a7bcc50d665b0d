"""One HTTP request against one deadline."""

from __future__ import annotations

import errno
import json
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from servicekit.http_reply import ProbeError
from servicekit.probe import Connection, failure_reason, http_get
from testkit.hostile import BEHAVIOURS, STATUS, HostileServer, body, conversation, kept, says, serving
from testkit.net import wait_for

LATEST = 1.5
"""Seconds by which every request has ended: the budget of 1 s and a busy machine."""


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_request_ends_within_its_budget_whatever_the_peer_does(name: str) -> None:
    behaviour, reason = BEHAVIOURS[name]
    begun = time.monotonic()
    with serving(behaviour) as node:
        if reason in {"not_json", "bad_status"}:  # for the parser of the body
            http_get(node.address, "/api/history", 1.0)
        else:
            with pytest.raises(ProbeError, match=reason):
                http_get(node.address, "/api/history", 1.0)
    assert time.monotonic() - begun < LATEST


@pytest.mark.parametrize(
    ("number", "connected", "reason"),
    [
        (errno.ECONNREFUSED, False, "refused"),
        (errno.ETIMEDOUT, False, "timeout"),
        (errno.EHOSTUNREACH, False, "unreachable"),
        (errno.ENETUNREACH, False, "unreachable"),
        (errno.EACCES, False, "unreachable"),
        (errno.ECONNRESET, True, "bad_reply"),
        (errno.EPIPE, True, "bad_reply"),
    ],
)
def test_socket_error_has_a_reason_of_failure(number: int, connected: bool, reason: str) -> None:
    assert failure_reason(OSError(number, ""), connected) == reason


def reply_to(connection: Connection, path: str = "/api/status") -> bytes:
    """Send a request and return the body of its reply; raises what `advance` raises."""
    connection.send(path)
    while True:
        poll = select.poll()
        poll.register(connection, select.POLLOUT if connection.wants_write else select.POLLIN)
        assert poll.poll(2000)
        body = connection.advance()
        if body is not None:
            return body


@contextmanager
def connected(server: HostileServer) -> Iterator[Connection]:
    with closing(Connection(server.address, keep_open=True)) as connection:
        yield connection


def test_kept_connection_carries_one_request_after_another() -> None:
    paths = [f"/api/status?since={number}" for number in range(3)]
    with serving(conversation(*(kept({"number": number}) for number in range(3)))) as server:
        with connected(server) as connection:
            for number, path in enumerate(paths):
                assert json.loads(reply_to(connection, path)) == {"number": number}
                assert not connection.wants_write
        assert len(server.requests) == 1  # one connection
        assert server.requests[0].startswith(b"GET /api/status?since=0 HTTP/1.1\r\n")


def test_connection_of_a_peer_that_keeps_it_is_reusable() -> None:
    with serving(conversation(kept(STATUS), kept(STATUS))) as server, connected(server) as connection:
        assert not connection.is_reusable()
        reply_to(connection)
        assert connection.is_reusable()
        connection.send("/api/status")
        assert not connection.is_reusable()


@pytest.mark.parametrize(
    "behaviour",
    [
        says(body(STATUS)),
        conversation(kept(STATUS) + kept({"status": "sending"}), kept(STATUS)),
        conversation(kept(STATUS) + b"\r\n", kept(STATUS)),
    ],
)
def test_connection_of_another_peer_is_not(behaviour: Any) -> None:
    with serving(behaviour) as server, connected(server) as connection:
        assert json.loads(reply_to(connection)) == STATUS
        assert not connection.is_reusable()


@pytest.mark.parametrize("unasked", [b"", kept({"status": "sending"}), b"x"])
def test_connection_is_not_reusable_once_the_peer_has_closed_it_or_spoken_unasked(unasked: bytes) -> None:
    def behave(peer: socket.socket, ended: threading.Event) -> None:
        peer.sendall(kept(STATUS))
        assert goes_on.wait(5)
        if unasked:
            peer.sendall(unasked)
            ended.wait()

    goes_on = threading.Event()
    with serving(behave) as server, connected(server) as connection:
        reply_to(connection)
        assert connection.is_reusable()
        goes_on.set()
        wait_for(lambda: not connection.is_reusable(), "the peer's act")


def test_kept_connection_that_the_peer_closed_is_stale_and_a_new_one_is_not() -> None:
    with serving(conversation(kept(STATUS))) as server, connected(server) as connection:
        reply_to(connection)
        with pytest.raises(ProbeError, match="bad_reply"):
            reply_to(connection)
        assert connection.is_stale
    with serving(says(b"")) as server, connected(server) as connection:
        with pytest.raises(ProbeError, match="bad_reply"):
            reply_to(connection)
        assert not connection.is_stale


def test_connection_with_half_a_reply_is_not_stale() -> None:
    with serving(conversation(kept(STATUS), b"HTTP/1.1 200 OK\r\n")) as server, connected(server) as connection:
        reply_to(connection)
        with pytest.raises(ProbeError, match="bad_reply"):
            reply_to(connection)
        assert not connection.is_stale


def test_single_request_is_of_http_1_0_and_keeps_nothing_open() -> None:
    with serving(says(body(STATUS))) as server:
        http_get(server.address, "/api/history", 1.0)
        (request,) = server.requests
    assert request.startswith(b"GET /api/history HTTP/1.0\r\n")
    assert b"Connection: close\r\n" in request
