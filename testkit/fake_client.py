"""A WebSocket client of the bridge without a socket."""

from __future__ import annotations

import json
from typing import Any

from testkit.raw_websocket import TEXT, frames


class FakeClient:
    """Keeps what it is sent, and says what the test tells it to."""

    def __init__(self, subprotocol: str | None) -> None:
        self.subprotocol = subprotocol
        self.takes_deflate = False
        self.blocked_since: float | None = None
        self.pings = 0
        self.says: list[str] = []
        self._received = b""

    def send(self, *buffers: bytes) -> None:
        self._received += b"".join(buffers)

    def flush(self) -> None:
        pass

    def ping(self) -> None:
        self.pings += 1

    def receive(self) -> list[str]:
        said, self.says = self.says, []
        return said

    def texts(self) -> list[str]:
        """Return the messages since the last call."""
        received, self._received = self._received, b""
        return [frame.payload.decode() for frame in frames(b"\r\n\r\n" + received) if frame.opcode == TEXT]

    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(text) for text in self.texts()]
