"""`/ws`: pushes the newest snapshot to each client at that client's pace; a slow one is dropped, none waits."""

from __future__ import annotations

import contextlib
import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from flask import Flask, request
from flask_sock import Sock
from simple_websocket import ConnectionClosed
from wsproto.events import Ping
from wsproto.utilities import LocalProtocolError

from castray_bridge.metrics import Metrics
from castray_bridge.snapshot.render import push
from castray_bridge.snapshot.store import SnapshotStore
from castray_bridge.web.access import BEARER_PROTOCOL, WEBSOCKET_PATH
from castray_bridge.web.client_socket import ClientSocket
from servicekit.log import RateLimit, event

MIN_DISTANCE: Final = 0.1
"""Seconds between two pushes to a client: ten a second at most."""
MAX_DISTANCE: Final = 3.0
PING_DISTANCE: Final = 4.0
"""Seconds between two pings. A client that has not answered one by the next no longer reads, however little it gets."""
_MAX_UNREAD: Final = 100
_PART_SECONDS: Final = 0.5
_SOCKETS: Final = ("gunicorn.socket", "werkzeug.socket")
"""Where a WSGI server leaves the client's socket for simple-websocket."""
_GONE: Final = (ConnectionClosed, LocalProtocolError, OSError)
"""What sending raises when the client has left; wsproto's when it has just said so."""

_log = logging.getLogger(__name__)


class Push:
    """Serves the WebSocket clients, one thread of the server each."""

    def __init__(self, store: SnapshotStore, counts: Metrics, max_clients: int) -> None:
        self._store = store
        self._counts = counts
        self._max_clients = max_clients
        self._lock = threading.Lock()
        self._bells: set[Callable[[], None]] = set()
        self._closing = False
        self._drops = RateLimit(burst=10, period=60.0)

    def close(self) -> None:
        """End all conversations."""
        self._closing = True
        for ring in tuple(self._bells):
            ring()

    def serve(self, client: Any, peer: str) -> None:
        """Talk to `client` (simple-websocket's server side over a `ClientSocket`) until it goes or is dropped."""
        ring = client.event.set
        with self._lock:
            is_full = len(self._bells) >= self._max_clients
            if not is_full:
                self._bells.add(ring)
                self._counts.websocket_clients = len(self._bells)
        if is_full:
            with contextlib.suppress(*_GONE):
                client.close(1013, "too many clients")
            _part(client)
            return
        unsubscribe = self._store.subscribe(ring)
        try:
            self._converse(client)
        except _DropError as error:
            client.sock.shutdown()
            self._dropped(peer, str(error))
        except _GONE:
            if client.sock.stalled:  # which either of the two threads may have found out
                self._dropped(peer, "takes no data")
        finally:
            unsubscribe()
            with self._lock:
                self._bells.discard(ring)
                self._counts.websocket_clients = len(self._bells)
            _part(client)

    def _converse(self, client: Any) -> None:
        seen, pushed_at = -1, -math.inf
        ping_at = time.monotonic() + PING_DISTANCE
        while not self._closing:
            _answer(client)
            if time.monotonic() >= ping_at:
                _ping(client)
                ping_at = time.monotonic() + PING_DISTANCE
            snapshot = self._store.snapshot()
            is_news = snapshot.version != seen
            poll_timeout = pushed_at + (MIN_DISTANCE if is_news else MAX_DISTANCE) - time.monotonic()
            if poll_timeout <= 0:
                client.send(push(snapshot))
                seen, pushed_at = snapshot.version, time.monotonic()
            elif is_news:
                time.sleep(poll_timeout)
            elif client.event.wait(max(0.0, min(poll_timeout, ping_at - time.monotonic()))):
                client.event.clear()
        client.close(1001, "the server stops")

    def _dropped(self, peer: str, reason: str) -> None:
        self._counts.dropped.inc()
        held_back = self._drops.admit()
        if held_back is not None:
            _log.warning(event("websocket_dropped", peer=peer, reason=reason, held_back=held_back))


class _DropError(Exception):
    """The client does not keep up; the message says in what."""


def attach(app: Flask, pusher: Push) -> None:
    """Let `pusher` serve the clients of `app` at `/ws`."""
    # What a client sends is `ping` and nothing else. No `ping_interval`: the conversations ping, and see who is silent.
    app.config["SOCK_SERVER_OPTIONS"] = {"max_message_size": 4096, "subprotocols": [BEARER_PROTOCOL]}
    sock = Sock(app)

    @app.before_request
    def guard_socket() -> None:
        if request.path == WEBSOCKET_PATH:
            for key in _SOCKETS:
                if key in request.environ:
                    request.environ[key] = ClientSocket(request.environ[key])

    @sock.route(WEBSOCKET_PATH)  # type: ignore[untyped-decorator] # flask-sock has no types
    def serve(client: Any) -> None:
        pusher.serve(client, request.remote_addr or "")


def _answer(client: Any) -> None:
    """Answer what the client has said meanwhile. Raises `ConnectionClosed` when it is gone."""
    while (message := client.receive(timeout=0)) is not None:
        if len(client.input_buffer) > _MAX_UNREAD:
            raise _DropError("floods")
        if message == "ping":
            client.send("pong")


def _ping(client: Any) -> None:
    if not client.pong_received:
        raise _DropError("answers no ping")
    client.pong_received = False
    client.sock.send(client.ws.send(Ping()))


def _part(client: Any) -> None:
    # Closed before its reading thread has begun, the socket would be that thread's uncaught exception in the log.
    client.thread.join(_PART_SECONDS)
    client.sock.shutdown()
    client.thread.join(_PART_SECONDS)
