"""`/ws`: the handshake, the limit of clients, and what becomes of them."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

from flask import Flask, Response, abort, request
from wsproto.utilities import RemoteProtocolError

from castray_bridge.metrics import Metrics
from castray_bridge.snapshot.store import SnapshotStore
from castray_bridge.web.access import WEBSOCKET_PATH
from castray_bridge.web.client import Client, ClientGoneError
from castray_bridge.web.sender import Sender
from castray_bridge.web.viewer import Viewer
from servicekit.log import RateLimit, event

_LINGER_SECONDS: Final = 0.5
_SERVING: Final = "gunicorn.socket"
_TESTING: Final = "werkzeug.socket"
"""Keys under which a WSGI server passes the client's socket."""
_TRY_LATER, _GOING_AWAY = 1013, 1001

_log = logging.getLogger(__name__)


class Push:
    """Admits the WebSocket clients and has them served by one thread, which starts with the first. Thread-safe."""

    def __init__(self, store: SnapshotStore, metrics: Metrics, max_clients: int) -> None:
        self._metrics = metrics
        self._max_clients = max_clients
        self._sender = Sender(store, self._end)
        self._lock = threading.Lock()
        self._count = 0
        self._is_started = False
        self._is_closing = False
        self._drops = RateLimit(burst=10, period=60.0)

    def close(self) -> None:
        """Close all connections; may be called in a signal handler."""
        self._is_closing = True
        self._sender.stop()

    def serve(self, client: Client, peer: str) -> None:
        """Return when `client` has left or was dropped; the calling thread only waits."""
        refusal = self._admit()
        if refusal is None:
            viewer = Viewer(client, peer, time.monotonic())
            self._sender.add(viewer)
            while not viewer.ended.wait(_LINGER_SECONDS if self._is_closing else None):
                if self._is_closing:  # the sender may have ended before it saw this client
                    self._end(viewer, None)
        else:
            with contextlib.suppress(ClientGoneError):
                client.close(*refusal)
        client.linger(_LINGER_SECONDS)

    def _admit(self) -> tuple[int, str] | None:
        """Count a client and return None, or return with which code and reason it is sent away."""
        with self._lock:
            if self._is_closing:
                return _GOING_AWAY, "the server stops"
            if self._count >= self._max_clients:
                return _TRY_LATER, "too many clients"
            if not self._is_started:  # not before: threads do not survive gunicorn's fork
                self._is_started = True
                threading.Thread(target=self._sender.run, name="push", daemon=True).start()
            self._count += 1
            self._metrics.websocket_clients = self._count
            return None

    def _end(self, viewer: Viewer, drop_reason: str | None) -> None:
        with self._lock:
            if viewer.ended.is_set():
                return
            viewer.ended.set()
            self._count -= 1
            self._metrics.websocket_clients = self._count
        if drop_reason is not None:
            self._metrics.dropped.inc()
            held_back = self._drops.admit()
            if held_back is not None:
                _log.warning(event("websocket_dropped", peer=viewer.peer, reason=drop_reason, held_back=held_back))


class _Served(Response):
    """The reply of a request whose socket has been used up."""

    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        """Tell gunicorn by its own means that there is nothing to send; werkzeug's server notices a closed socket."""
        if _SERVING in environ:
            raise StopIteration
        return super().__call__(environ, start_response)


def attach(app: Flask, pusher: Push) -> None:
    """Let `pusher` serve the clients of `app` at `/ws`."""

    @app.route(WEBSOCKET_PATH, websocket=True)
    def serve() -> Response:
        sock = request.environ.get(_SERVING) or request.environ.get(_TESTING)
        if sock is None:
            abort(501, "this server has no WebSockets")
        try:
            client = Client(sock, request.environ)
        except RemoteProtocolError as error:
            abort(400, f"no WebSocket handshake: {error}")
        except ClientGoneError:
            return _Served()
        pusher.serve(client, request.remote_addr or "")
        return _Served()
