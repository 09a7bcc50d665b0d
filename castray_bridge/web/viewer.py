"""What one WebSocket client has been sent, and what it is due."""

from __future__ import annotations

import math
import threading
from typing import Final

from castray_bridge.snapshot.store import Snapshot
from castray_bridge.web.access import DELTA_PROTOCOL
from castray_bridge.web.client import Client, DropError
from castray_bridge.web.messages import Payload, changes, text_frame, whole

MAX_DISTANCE: Final = 3.0
"""Seconds between two messages at most, so that a client can tell silence from calm."""
PING_DISTANCE: Final = 4.0
"""Seconds between two pings. A client without a pong by the next ping no longer reads."""
SEND_SECONDS: Final = 5.0
"""A client that does not accept a message within this time is dropped."""
LIST_BYTES_PER_SECOND: Final = 1_000_000
"""Of whole lists to one client: above 100 KB a list comes less often than ten times a second."""


class Viewer:
    """A client of `/ws`. Not thread-safe, except `ended`."""

    def __init__(self, client: Client, peer: str, now: float) -> None:
        self.client = client
        self.peer = peer
        self.ended = threading.Event()
        self.is_watched_for_room = False
        """Whether the loop waits until the client takes more."""
        self._has_deltas = client.subprotocol == DELTA_PROTOCOL
        self._seq = 0
        self._sent: Snapshot | None = None
        self._wants_list = True
        self._sent_at = -math.inf
        self._list_after = -math.inf
        self._ping_at = now + PING_DISTANCE

    def offer(self, snapshot: Snapshot, now: float, may_be_list: bool = True) -> bool:
        """Send what the client lacks; return whether it still lacks something, which is to be offered again.

        A client that has not taken the last message gets the newest one after it. Raises `ClientGoneError`.
        """
        if snapshot is self._sent and not self._wants_list and now - self._sent_at < MAX_DISTANCE:
            return False
        if self.client.blocked_since is not None:
            return True
        payload = None
        if self._has_deltas and self._sent is not None and not self._wants_list:
            payload = changes(self._sent, snapshot)
        if payload is not None:
            self._send("cluster_delta", payload)
        elif now < self._list_after or not may_be_list:
            return True
        else:
            size = self._send("cluster_status", whole(snapshot))
            self._list_after = now + min(size / LIST_BYTES_PER_SECOND, MAX_DISTANCE)
            self._wants_list = False
        self._sent, self._sent_at = snapshot, now
        return False

    def hear(self) -> None:
        """Read and answer the client's messages. Raises `ClientGoneError`, `DropError`."""
        for message in self.client.receive():
            if message == "ping":
                self.client.send(_PONG)
            elif message == "resync" and self._has_deltas:
                self._wants_list = True

    def flush(self) -> None:
        """Send more of what the client has not taken. Raises `ClientGoneError`."""
        self.client.flush()

    @property
    def wants_list(self) -> bool:
        """Whether the client is due a whole list."""
        return self._wants_list

    def check(self, now: float) -> None:
        """Ping the client when that is due. Raises `DropError` when it does not read or reply, `ClientGoneError`."""
        blocked_since = self.client.blocked_since
        if blocked_since is not None and now - blocked_since >= SEND_SECONDS:
            raise DropError("does not read")
        if now >= self._ping_at and blocked_since is None:  # else the ping waits behind what the client reads slowly
            self.client.ping()
            self._ping_at = now + PING_DISTANCE

    def _send(self, kind: str, payload: Payload) -> int:
        buffers = text_frame(kind, self._seq if self._has_deltas else None, payload, self.client.takes_deflate)
        self.client.send(*buffers)
        self._seq += 1
        return sum(map(len, buffers))


_PONG: Final = b"\x81\x04pong"
