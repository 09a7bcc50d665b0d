"""`/ws`: sends each client the newest snapshot as fast as it reads; a slow client is dropped and delays no other."""

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
"""Seconds between two pings. A client without a pong by the next ping no longer reads."""
_MAX_UNREAD: Final = 100
_LINGER_SECONDS: Final = 0.5
_SOCKETS: Final = ("gunicorn.socket", "werkzeug.socket")
"""Keys under which a WSGI server passes the client's socket to simple-websocket."""
_GONE: Final = (ConnectionClosed, LocalProtocolError, OSError)
"""Exceptions of a send to a client that has left; wsproto's after the client's close frame."""

_log = logging.getLogger(__name__)


class Push:
    """Serves the WebSocket clients, each in a thread of the server."""

    def __init__(self, store: SnapshotStore, metrics: Metrics, max_clients: int) -> None:
        self._store = store
        self._metrics = metrics
        self._max_clients = max_clients
        self._lock = threading.Lock()
        self._wakeups: set[Callable[[], None]] = set()
        self._closing = False
        self._drops = RateLimit(burst=10, period=60.0)

    def close(self) -> None:
        """Close all connections."""
        self._closing = True
        for wake in tuple(self._wakeups):
            wake()

    def serve(self, client: Any, peer: str) -> None:
        """Serve `client` (simple-websocket's server side over a `ClientSocket`) until it leaves or is dropped."""
        wake = client.event.set
        with self._lock:
            is_full = len(self._wakeups) >= self._max_clients
            if not is_full:
                self._wakeups.add(wake)
                self._metrics.websocket_clients = len(self._wakeups)
        if is_full:
            with contextlib.suppress(*_GONE):
                client.close(1013, "too many clients")
            _linger(client)
            return
        unsubscribe = self._store.subscribe(wake)
        try:
            self._send_snapshots(client)
        except _DropError as error:
            client.sock.shutdown()
            self._drop(peer, str(error))
        except _GONE:
            if client.sock.stalled:  # noticed by either of the two threads
                self._drop(peer, "does not read")
        finally:
            unsubscribe()
            with self._lock:
                self._wakeups.discard(wake)
                self._metrics.websocket_clients = len(self._wakeups)
            _linger(client)

    def _send_snapshots(self, client: Any) -> None:
        seen, pushed_at = -1, -math.inf
        ping_at = time.monotonic() + PING_DISTANCE
        while not self._closing:
            _reply_to_messages(client)
            if time.monotonic() >= ping_at:
                _ping(client)
                ping_at = time.monotonic() + PING_DISTANCE
            snapshot = self._store.snapshot()
            has_changed = snapshot.version != seen
            poll_timeout = pushed_at + (MIN_DISTANCE if has_changed else MAX_DISTANCE) - time.monotonic()
            if poll_timeout <= 0:
                client.send(push(snapshot))
                seen, pushed_at = snapshot.version, time.monotonic()
            elif has_changed:
                time.sleep(poll_timeout)
            elif client.event.wait(max(0.0, min(poll_timeout, ping_at - time.monotonic()))):
                client.event.clear()
        client.close(1001, "the server stops")

    def _drop(self, peer: str, reason: str) -> None:
        self._metrics.dropped.inc()
        held_back = self._drops.admit()
        if held_back is not None:
            _log.warning(event("websocket_dropped", peer=peer, reason=reason, held_back=held_back))


class _DropError(Exception):
    """The client does not keep up; the message tells how."""


def attach(app: Flask, pusher: Push) -> None:
    """Let `pusher` serve the clients of `app` at `/ws`."""
    # Clients send only `ping`. No `ping_interval`: `_send_snapshots` pings, and drops a client without a pong.
    app.config["SOCK_SERVER_OPTIONS"] = {"max_message_size": 4096, "subprotocols": [BEARER_PROTOCOL]}
    sock = Sock(app)

    @app.before_request
    def replace_socket() -> None:
        if request.path == WEBSOCKET_PATH:
            for key in _SOCKETS:
                if key in request.environ:
                    request.environ[key] = ClientSocket(request.environ[key])

    @sock.route(WEBSOCKET_PATH)  # type: ignore[untyped-decorator] # flask-sock has no types
    def serve(client: Any) -> None:
        pusher.serve(client, request.remote_addr or "")


def _reply_to_messages(client: Any) -> None:
    """Reply to the messages received so far. Raises `ConnectionClosed` after the client has left."""
    while (message := client.receive(timeout=0)) is not None:
        if len(client.input_buffer) > _MAX_UNREAD:
            raise _DropError("floods")
        if message == "ping":
            client.send("pong")


def _ping(client: Any) -> None:
    if not client.pong_received:
        raise _DropError("does not answer pings")
    client.pong_received = False
    client.sock.send(client.ws.send(Ping()))


def _linger(client: Any) -> None:
    # If the socket is closed before its reading thread starts, that thread logs an uncaught exception.
    client.thread.join(_LINGER_SECONDS)
    client.sock.shutdown()
    client.thread.join(_LINGER_SECONDS)
