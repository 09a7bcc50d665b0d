"""`/ws` by itself: its pace, clients that are slow or silent, and what two threads send to one of them."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import websocket

from castray_bridge.snapshot.store import SnapshotStore
from castray_bridge.sources.cluster import Cluster
from castray_bridge.web.client_socket import ClientSocket
from castray_bridge.web.websocket import MIN_DISTANCE
from servicekit.address import Address
from testkit.net import wait_for
from testkit.raw_websocket import PING, PONG, TEXT, frames, ping, shake_hands
from testkit.sources import node
from testkit.web import WebServer
from tests.castray_bridge.web.test_api import M1, World, good


class Viewed(World):
    """The sample cluster of three living nodes, served."""

    def __init__(self) -> None:
        super().__init__()
        self.server = WebServer(self.client.application)
        self.address = self.server.url.removeprefix("http://").rstrip("/")
        self.answer(M1, good())

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


@contextmanager
def doing(what: Callable[[], object]) -> Iterator[None]:
    """Do it again and again in another thread."""
    ended = threading.Event()

    def run() -> None:
        while not ended.is_set():
            what()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def test_changes_are_pushed_ten_times_a_second_at_most_and_the_last_one_always(viewed: Viewed) -> None:
    number = iter(range(10**9))

    def change() -> None:
        viewed.answer(M1, good(latest_state={"current_task": f"frame {next(number)}"}))

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
    assert lines == ['websocket_dropped peer=127.0.0.1 reason="answers no ping" held_back=0']


def test_slow_reader_that_pings_gets_every_frame_whole(viewed: Viewed) -> None:
    """The message is larger than all buffers on the way, so that pongs are due while it has been sent in part."""
    viewed.source.cluster = Cluster(tuple(node(f"N{n}", f"10.0.{n // 200}.{n % 200 + 1}") for n in range(300)))
    viewed.bridge.poller.refresh()
    number, received = iter(range(10**9)), b""

    def change() -> None:
        viewed.answer(Address("10.0.0.1", 8000), good(latest_state={"current_task": f"frame {next(number)}"}))

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


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The bridge's and the client's end of one connection with small buffers."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.settimeout(10)
        peer.connect(listener.getsockname())
        ours, _ = listener.accept()
        with ours:
            yield ours, peer


def test_what_several_threads_send_is_not_mixed(connection: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = ClientSocket(connection[0]), connection[1]
    senders = [threading.Thread(target=ours.send, args=(bytes((letter,)) * 1_000_000,)) for letter in b"abc"]
    for sender in senders:
        sender.start()
    received = b""
    while len(received) < 3_000_000:
        received += peer.recv(65536)
    for sender in senders:
        sender.join()
    assert sorted(letter for letter, _ in itertools.groupby(received)) == sorted(b"abc")


def test_frame_that_is_not_taken_in_time_ends_the_connection(connection: tuple[socket.socket, socket.socket]) -> None:
    ours, peer = ClientSocket(connection[0], send_seconds=0.2), connection[1]
    begun = time.monotonic()
    with pytest.raises(BlockingIOError):
        ours.send(b"a" * 1_000_000)
    assert 0.2 <= time.monotonic() - begun < 1
    assert ours.stalled
    while peer.recv(65536):
        pass
    with pytest.raises(BrokenPipeError):
        ours.send(b"b")  # it would be taken for the rest of the first


def test_client_that_takes_a_little_now_and_then_is_given_up_too(
    connection: tuple[socket.socket, socket.socket],
) -> None:
    ours, peer = ClientSocket(connection[0], send_seconds=0.5), connection[1]
    begun = time.monotonic()
    with doing(lambda: ours.stalled or (peer.recv(1000), threading.Event().wait(0.05))), pytest.raises(OSError):  # noqa: PT011
        ours.send(b"a" * 10_000_000)
    assert ours.stalled
    assert time.monotonic() - begun < 2
