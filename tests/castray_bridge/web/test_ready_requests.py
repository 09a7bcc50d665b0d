"""Requests that were seen before, byte for byte."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.parser import RequestParser

from castray_bridge.web.access import Access
from castray_bridge.web.ready_requests import MAX_HEADS, ReadyRequests
from testkit.bridge_world import M1, World, good

HEAD = b"GET /api/ray-dashboard HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer one\r\n\r\n"


class Served:
    """A bridge, and the requests to it that are known."""

    def __init__(self, **options: Any) -> None:
        self.world = World(**options)
        self.ready = ReadyRequests(self.world.client.application.wsgi_app)  # type: ignore[arg-type] # the fast path

    def learn(self, head: bytes) -> None:
        """Let gunicorn parse a head, as its worker does."""
        cfg = Config()
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(head)
            request = next(RequestParser(cfg, ours, ("127.0.0.1", 1)))
            if self.ready.may_learn(head, request):
                _, environ = wsgi.create(request, ours, ("127.0.0.1", 1), ("127.0.0.1", 8001), cfg)
                self.ready.learn(head, environ)


def body(reply: bytes | None) -> Any:
    assert reply is not None
    return json.loads(reply.partition(b"\r\n\r\n")[2])


def test_known_head_gets_the_data_of_now() -> None:
    served = Served()
    assert served.ready.reply(HEAD) is None
    served.learn(HEAD)
    for state in ("sending", "idle"):
        served.world.publish(M1, good(status=state))
        reply = served.ready.reply(HEAD)
        assert reply is not None
        assert reply.startswith(b"HTTP/1.1 200 OK\r\nServer: gunicorn\r\nDate: ")
        assert b"\r\nConnection: keep-alive\r\n" in reply
        assert body(reply) == served.world.get("/api/ray-dashboard")
    assert served.ready.reply(HEAD + HEAD) is None
    assert served.ready.reply(HEAD[:-1]) is None


def test_who_may_read_is_decided_anew_each_time() -> None:
    token = "one"
    served = Served(access=Access(token=lambda: token))
    served.learn(HEAD)
    assert served.ready.reply(HEAD) is not None
    token = "two"
    assert served.ready.reply(HEAD) is None
    served.learn(HEAD)
    assert served.ready.reply(HEAD) is None


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b"1.1\r\n", b"1.0\r\n"),
        HEAD.replace(b"GET", b"HEAD"),
        HEAD.replace(b"GET", b"POST"),
        HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        HEAD.replace(b"\r\n\r\n", b"\r\nContent-Length: 4\r\n\r\n") + b"abcd",
        HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"),
        HEAD.replace(b"localhost", b"evil.example"),
        HEAD.replace(b"ray-dashboard", b"health"),
        HEAD + HEAD,
        HEAD + b"G",
    ],
)
def test_any_other_request_is_the_parsers(head: bytes) -> None:
    served = Served()
    served.learn(head)
    assert served.ready.reply(head) is None


def test_strangers_fill_no_memory() -> None:
    served = Served()
    for number in range(MAX_HEADS + 10):
        served.learn(HEAD.replace(b"one", b"%d" % number))
    assert len(served.ready._known) <= MAX_HEADS
    served.learn(HEAD)
    assert served.ready.reply(HEAD) is not None
