"""The viewers of the soak: WebSocket clients that come back whenever the bridge parts with them."""

from __future__ import annotations

import contextlib
import threading
import time

import websocket

from tests.soak.world import World


class Viewer(threading.Thread):
    """Watches the bridge until `stop`; `heard_at` are the Unix times of its messages."""

    def __init__(self, world: World) -> None:
        super().__init__(name="viewer", daemon=True)
        self.heard_at: list[float] = []
        self._url = f"ws://{world.bridge.address}/ws"
        self._ended = threading.Event()

    def stop(self) -> None:
        """End and join."""
        self._ended.set()
        self.join(15)

    def run(self) -> None:
        while not self._ended.wait(0.2):
            with contextlib.suppress(OSError, websocket.WebSocketException):
                self._listen()

    def _listen(self) -> None:
        client = websocket.create_connection(self._url, timeout=10)
        try:
            while not self._ended.is_set():
                if not client.recv():
                    return
                self.heard_at.append(time.time())
        finally:
            client.close(timeout=1)
