"""`/ws`: pushes the newest snapshot to each client at that client's pace; a slow one is dropped, none waits."""

from __future__ import annotations

import contextlib
import logging
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Final

from simple_websocket import ConnectionClosed
from wsproto.events import TextMessage

from castray_bridge.board import Board
from castray_bridge.metrics import Counts
from castray_bridge.reply import push
from servicekit.log import RateLimit, event

MIN_DISTANCE: Final = 0.1
"""Seconds between two pushes to a client: ten a second at most."""
MAX_DISTANCE: Final = 3.0
SEND_SECONDS: Final = 5.0
"""A client that takes none of a message for so long is dropped."""
_SEND_BUFFER: Final = 64 * 1024
"""Bytes that the kernel keeps for a client: more would hide for minutes that it no longer reads."""
_MAX_UNREAD: Final = 100
_PART_SECONDS: Final = 0.5

SERVER_OPTIONS: Final = {"max_message_size": 4096, "ping_interval": 25}
"""For simple-websocket: what a client sends is `ping` and nothing else."""

_log = logging.getLogger(__name__)


class Push:
    """Serves the WebSocket clients, one thread of the server each."""

    def __init__(self, board: Board, counts: Counts, max_clients: int) -> None:
        self._board = board
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
        """Talk to `client` (simple-websocket's server side) until it goes or is dropped."""
        ring = client.event.set
        with self._lock:
            is_full = len(self._bells) >= self._max_clients
            if not is_full:
                self._bells.add(ring)
                self._counts.websocket_clients = len(self._bells)
        if is_full:
            with contextlib.suppress(ConnectionClosed, OSError):
                client.close(1013, "too many clients")
            _part(client)
            return
        unsubscribe = self._board.subscribe(ring)
        try:
            _bound_sending(client.sock)
            self._converse(client)
        except ConnectionClosed:
            pass
        except OSError:
            self._dropped(client, peer, "takes no data")
        except _FloodError:
            self._dropped(client, peer, "floods")
        finally:
            unsubscribe()
            with self._lock:
                self._bells.discard(ring)
                self._counts.websocket_clients = len(self._bells)
            _part(client)

    def _converse(self, client: Any) -> None:
        seen, sent_at = -1, 0.0
        while not self._closing:
            while (message := client.receive(timeout=0)) is not None:
                if len(client.input_buffer) > _MAX_UNREAD:
                    raise _FloodError
                if message == "ping":
                    client.send("pong")
            snapshot = self._board.snapshot()
            age = time.monotonic() - sent_at
            is_news = snapshot.version != seen
            if age >= MAX_DISTANCE or (is_news and age >= MIN_DISTANCE):
                _send(client, push(snapshot))
                seen, sent_at = snapshot.version, time.monotonic()
                continue
            if is_news:
                time.sleep(MIN_DISTANCE - age)
            elif client.event.wait(MAX_DISTANCE - age):
                client.event.clear()
        client.close(1001, "the server stops")

    def _dropped(self, client: Any, peer: str, reason: str) -> None:
        self._counts.dropped.inc()
        held_back = self._drops.admit()
        if held_back is not None:
            _log.warning(event("websocket_dropped", peer=peer, reason=reason, held_back=held_back))
        with contextlib.suppress(OSError):
            client.sock.shutdown(socket.SHUT_RDWR)


class _FloodError(Exception):
    """The client sends faster than it can be answered."""


def _send(client: Any, text: str) -> None:
    """Send `text` whole. Raises `OSError` when the client did not take all of it in time."""
    if not client.connected:
        raise ConnectionClosed(client.close_reason, client.close_message)
    data = client.ws.send(TextMessage(data=text))
    # Not client.send(), which takes a message that was cut off by the timeout for sent.
    if client.sock.send(data) < len(data):
        raise TimeoutError


def _part(client: Any) -> None:
    # Closed before its reading thread has begun, the socket would be that thread's uncaught exception in the log.
    client.thread.join(_PART_SECONDS)


def _bound_sending(sock: socket.socket) -> None:
    # The socket's own timeout would also end waiting for the client's messages.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", int(SEND_SECONDS), 0))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
