"""The WebSocket: its pace, and clients that do not keep up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import websocket

from castray_bridge.snapshot.store import SnapshotStore
from castray_bridge.sources.cluster import Cluster
from castray_bridge.web.access import DELTA_PROTOCOL, Access, bearer_protocols
from castray_bridge.web.sender import MIN_DISTANCE
from castray_bridge.web.viewer import Viewer
from servicekit.address import Address
from testkit.bridge_world import M1, World, good
from testkit.deltas import DeltaClient
from testkit.net import wait_for
from testkit.raw_websocket import CLOSE, PING, PONG, TEXT, frames, ping, shake_hands
from testkit.sources import node
from testkit.threads import doing
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


@pytest.fixture
def viewed() -> Iterator[Viewed]:
    with view() as viewed:
        yield viewed


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


def test_client_of_deltas_has_the_bridges_list_at_every_message(viewed: Viewed) -> None:
    client, kept = viewed.connect(DELTA_PROTOCOL), DeltaClient()
    assert client.getsubprotocol() == DELTA_PROTOCOL
    kept.take(json.loads(client.recv()))
    for state in ("sending", "idle", "detecting"):
        viewed.publish(M1, good(status=state))
        text = client.recv()
        kept.take(json.loads(text))
        assert (kept.nodes, len(text) < 1200) == (viewed.bridge.nodes(), True)
    client.send("resync")
    message = json.loads(client.recv())
    assert message["type"] == "cluster_status"
    kept.take(message)
    client.send("ping")
    assert client.recv() == "pong"
    client.close()


def test_token_is_demanded_beside_the_subprotocol_too() -> None:
    with view(access=Access(token="secret")) as viewed:
        client = viewed.connect(DELTA_PROTOCOL, *bearer_protocols("secret"))
        assert client.getsubprotocol() == DELTA_PROTOCOL
        assert json.loads(client.recv())["seq"] == 0
        client.close()
        for wrong in ([DELTA_PROTOCOL], [DELTA_PROTOCOL, *bearer_protocols("other")]):
            with pytest.raises(websocket.WebSocketBadStatusException, match="401"):
                viewed.connect(*wrong)


def test_client_beyond_the_limit_is_closed_and_has_a_place_after_another_left(viewed: Viewed) -> None:
    clients = [viewed.connect() for _ in range(10)]
    refused = viewed.connect()
    opcode, data = refused.recv_data()
    assert (opcode, data[:2], data[2:]) == (CLOSE, (1013).to_bytes(2, "big"), b"too many clients")
    clients.pop().close()
    wait_for(lambda: viewed.connected() == 9, "the place")
    clients.append(viewed.connect())
    assert clients[-1].recv()
    for client in clients:
        client.close()


def test_clients_are_told_when_the_server_stops(viewed: Viewed) -> None:
    client = viewed.connect()
    client.recv()
    viewed.push.close()
    assert client.recv_data()[1][:2] == (1001).to_bytes(2, "big")
    wait_for(lambda: viewed.connected() == 0, "the end")
    late = viewed.connect()
    assert late.recv_data()[1][:2] == (1001).to_bytes(2, "big")


def test_fault_in_one_conversation_ends_no_other(viewed: Viewed, caplog: pytest.LogCaptureFixture) -> None:
    good_one, bad = viewed.connect(), viewed.connect()
    good_one.recv(), bad.recv()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Viewer, "hear", lambda _: 1 / 0)
        bad.send("ping")
        wait_for(lambda: viewed.connected() == 1, "the end of that conversation")
    good_one.send("ping")
    assert good_one.recv() == "pong"
    assert any("websocket_failed" in record.getMessage() for record in caplog.records)
    good_one.close()


def test_plain_request_is_no_websocket(viewed: Viewed) -> None:
    assert viewed.client.get("/ws").status_code == 400
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "1"}
    assert viewed.client.get("/ws", headers=upgrade).status_code == 501  # the test client has no socket
