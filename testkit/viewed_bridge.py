"""A bridge over the sample cluster that serves real WebSocket clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import websocket

from castray_bridge.snapshot.store import SnapshotStore
from testkit.bridge_world import M1, World, good
from testkit.net import wait_for
from testkit.web import WebServer


class Viewed(World):
    """The sample cluster of three living nodes, served."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.server = WebServer(self.client.application)
        self.address = self.server.url.removeprefix("http://").rstrip("/")
        self.publish(M1, good())

    @property
    def board(self) -> SnapshotStore:
        return self.bridge.store

    def connect(self, *subprotocols: str) -> websocket.WebSocket:
        return websocket.create_connection(f"ws://{self.address}/ws", timeout=10, subprotocols=list(subprotocols))

    def dropped(self) -> bool:
        return "castray_bridge_websocket_dropped_total 1.0" in self.client.get("/metrics").get_data(as_text=True)

    def connected(self) -> int:
        return self.bridge.metrics.websocket_clients


@contextmanager
def view(**options: Any) -> Iterator[Viewed]:
    viewed = Viewed(**options)
    with viewed.server:
        yield viewed
        viewed.push.close()
        wait_for(lambda: viewed.connected() == 0, "the end of all conversations")
