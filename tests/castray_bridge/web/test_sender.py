"""The loop that sends: its pace, and clients that do not keep up."""

from __future__ import annotations

import json
import time

import pytest

from castray_bridge.sources.cluster import Cluster
from castray_bridge.web.access import DELTA_PROTOCOL
from castray_bridge.web.sender import LIST_DISTANCE, MIN_DISTANCE
from castray_bridge.web.viewer import Viewer
from servicekit.address import Address
from testkit.bridge_world import M1, good
from testkit.deltas import DeltaClient
from testkit.net import wait_for
from testkit.raw_websocket import PING, PONG, TEXT, frames, ping, shake_hands
from testkit.sources import node
from testkit.threads import doing
from testkit.viewed_bridge import Viewed


def test_lists_are_pushed_ten_times_a_second_at_most_and_the_last_one_always(viewed: Viewed) -> None:
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
    # As often as is allowed, or nearly: what is held back longer is late.
    assert 15 * LIST_DISTANCE * 0.95 < took < 15 * LIST_DISTANCE * 2
    last = f"frame {next(number) - 1}"
    wait_for(lambda: json.loads(client.recv())["data"]["nodes"][0]["currentTask"] == last, "the last change", 1)
    client.close()


def test_all_clients_get_the_same_messages_at_the_same_pace(viewed: Viewed) -> None:
    number = iter(range(10**9))

    def change() -> None:
        viewed.publish(M1, good(latest_state={"current_task": f"frame {next(number)}"}))

    clients = [viewed.connect() for _ in range(3)]
    for client in clients:
        client.recv()
    with doing(change):
        received = [[client.recv() for _ in range(10)] for client in clients]
    # The first of them may have been there when the last client came.
    assert len(received[0]) == 10
    shared = set(received[0]).intersection(*received[1:])
    assert len(shared) >= 9
    for client in clients:
        client.close()


def test_deltas_are_pushed_twenty_times_a_second_at_most(viewed: Viewed) -> None:
    number = iter(range(10**9))

    def change() -> None:
        viewed.publish(M1, good(latest_state={"current_task": f"frame {next(number)}"}))

    client, kept = viewed.connect(DELTA_PROTOCOL), DeltaClient()
    with doing(change):
        kept.take(json.loads(client.recv()))
        begun = time.monotonic()
        for _ in range(20):
            kept.take(json.loads(client.recv()))
        took = time.monotonic() - begun
    assert 20 * MIN_DISTANCE * 0.9 < took < 20 * MIN_DISTANCE * 3
    client.close()


def test_change_after_calm_is_pushed_at_once(viewed: Viewed) -> None:
    client = viewed.connect(DELTA_PROTOCOL)
    client.recv()
    late = []
    for number in range(10):
        time.sleep(MIN_DISTANCE * 1.5)
        begun = time.monotonic()
        viewed.publish(M1, good(latest_state={"current_task": f"frame {number}"}))
        client.recv()
        late.append(time.monotonic() - begun)
    # At a fixed beat each would wait for the same part of it.
    assert min(late) < MIN_DISTANCE / 4
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


def test_fault_in_a_push_delays_it_and_ends_no_conversation(viewed: Viewed, caplog: pytest.LogCaptureFixture) -> None:
    client = viewed.connect(DELTA_PROTOCOL)
    client.recv()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(viewed.board, "snapshot", lambda: 1 / 0)
        viewed.publish(M1, good(status="sending"))
        wait_for(lambda: any("push_failed" in record.getMessage() for record in caplog.records), "the fault")
    viewed.publish(M1, good(status="idle"))
    assert '"workStatus":"idle"' in client.recv()
    client.close()
