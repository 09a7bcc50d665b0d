"""The WebSocket: its pace, and clients that do not keep up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
import websocket

from castray_bridge.snapshot.store import SnapshotStore
from castray_bridge.sources.cluster import Cluster
from castray_bridge.web.sender import MIN_DISTANCE
from servicekit.address import Address
from testkit.bridge_world import M1, World, good
from testkit.net import wait_for
from testkit.raw_websocket import PING, PONG, TEXT, frames, ping, shake_hands
from testkit.sources import node
from testkit.threads import doing
from testkit.web import WebServer


class Viewed(World):
    """The sample cluster of three living nodes, served."""

    def __init__(self) -> None:
        super().__init__()
        self.server = WebServer(self.client.application)
        self.address = self.server.url.removeprefix("http://").rstrip("/")
        self.publish(M1, good())

    @property
    def board(self) -> SnapshotStore:
        return self.bridge.store

    def connect(self) -> websocket.WebSocket:
        return websocket.create_connection(f"ws://{self.address}/ws", timeout=10)

    def dropped(self) -> bool:
        return "castray_bridge_websocket_dropped_total 1.0" in self.client.get("/metrics").get_data(as_text=True)

    def connected(self) -> int:
        return self.bridge.metrics.websocket_clients


@pytest.fixture
def viewed() -> Iterator[Viewed]:
    viewed = Viewed()
    with viewed.server:
        yield viewed
        viewed.push.close()
        wait_for(lambda: viewed.connected() == 0, "the end of all conversations")


def test_changes_are_pushed_ten_times_a_second_at_most_and_the_last_one_always(viewed: Viewed) -> None:
    number = iter(range(10**9))

    def change() -> None:
        viewed.publish(M1, good(latest_state={"current_task": f"frame {next(number)}"}))

    client = viewed.connect()
    with doing(change):
        client.recv()
        begun = time.monotonic()
        for _ in range(15):
            client.recv()
        took = time.monotonic() - begun
    # As often as is allowed, or nearly: whoever holds back more is late.
    assert 15 * MIN_DISTANCE * 0.95 < took < 15 * MIN_DISTANCE * 2
    last = f"frame {next(number) - 1}"
    wait_for(lambda: json.loads(client.recv())["data"]["nodes"][0]["currentTask"] == last, "the last change", 1)
    client.close()


def test_client_that_never_reads_is_dropped_within_ten_seconds_however_little_it_gets(
    viewed: Viewed, caplog: pytest.LogCaptureFixture
) -> None:
    """Three nodes make two kilobytes every three seconds: months of that fit into the buffers on the way."""
    begun = time.monotonic()
    with shake_hands(viewed.address):
        wait_for(lambda: viewed.connected() == 1, "the conversation")
        reading = viewed.connect()
        with doing(reading.recv):  # which also answers pings
            wait_for(viewed.dropped, "the drop", 10)
            assert time.monotonic() - begun < 10
            wait_for(lambda: viewed.connected() == 1, "the end of that conversation alone")
        reading.close()
    lines = [record.getMessage() for record in caplog.records if "websocket_dropped" in record.getMessage()]
    assert lines == ['websocket_dropped peer=127.0.0.1 reason="does not answer pings" held_back=0']


def test_slow_reader_that_pings_gets_every_frame_whole(viewed: Viewed) -> None:
    """The message is larger than all buffers on the way, so that pongs are due while it has been sent in part."""
    viewed.source.cluster = Cluster(tuple(node(f"N{n}", f"10.0.{n // 200}.{n % 200 + 1}") for n in range(300)))
    viewed.bridge.poller.refresh()
    number, received = iter(range(10**9)), b""

    def change() -> None:
        viewed.publish(Address("10.0.0.1", 8000), good(latest_state={"current_task": f"frame {next(number)}"}))

    with doing(change), shake_hands(viewed.address, receive_buffer=4096) as peer:
        peer.settimeout(10)
        while sum(frame.opcode == TEXT for frame in frames(received)) < 4:
            peer.sendall(ping(b"PING"))
            received += b"".join(peer.recv(2048) for _ in range(8))
    found = frames(received)
    assert {frame.opcode for frame in found} <= {TEXT, PING, PONG}
    assert {frame.payload for frame in found if frame.opcode == PONG} == {b"PING"}
    assert all(len(json.loads(frame.payload)["data"]["nodes"]) == 300 for frame in found if frame.opcode == TEXT)
    assert not viewed.dropped()
