"""The frames of one snapshot: the same bytes for all clients, compressed once."""

from __future__ import annotations

import json
import zlib
from typing import Any

import pytest

from castray_bridge.snapshot.store import Snapshot
from castray_bridge.sources.cluster import Cluster
from castray_bridge.web.messages import Payload, changes, text_frame, whole
from testkit.bridge_world import M1, World, good
from testkit.raw_websocket import frames
from testkit.sources import node


def text(buffers: tuple[bytes, bytes]) -> str:
    """Return the text in an uncompressed frame."""
    (frame,) = frames(b"\r\n\r\n" + b"".join(buffers))
    return frame.payload.decode()


def inflated(buffers: tuple[bytes, bytes], inflate: Any) -> str:
    """Return the text in a compressed frame of less than 64 KiB, by the client's decompressor for the connection."""
    frame = b"".join(buffers)
    assert (frame[0], frame[1]) == (0xC1, 126)
    assert int.from_bytes(frame[2:4], "big") == len(frame) - 4
    unpacked: bytes = inflate.decompress(frame[4:] + b"\x00\x00\xff\xff")
    return unpacked.decode()


@pytest.mark.parametrize("length", [0, 60, 61, 62, 3000, 65_470, 65_500, 70_000])
def test_frame_of_any_length_is_read_by_a_client(length: int) -> None:
    payload = Payload(b'"%s"' % (b"a" * length))
    assert json.loads(text(text_frame("cluster_delta", 7, payload, deflate=False))) == {
        "type": "cluster_delta",
        "seq": 7,
        "data": "a" * length,
    }


def test_compressed_messages_of_one_connection_are_read_in_turn() -> None:
    """A client keeps its window from message to message; frames are made without it, and for all clients at once."""
    payloads = [
        Payload(json.dumps({"nodes": [{"name": f"节点{n}", "load": k} for n in range(90)]}).encode()) for k in (1, 2)
    ]
    for first_seq in (0, 17):
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        for place, payload in enumerate(payloads):
            buffers = text_frame("cluster_delta", first_seq + place, payload, deflate=True)
            assert buffers[1] is payload.deflated
            message = json.loads(inflated(buffers, inflate))
            assert (message["seq"], message["data"]["nodes"][89]["load"]) == (first_seq + place, place + 1)


def test_small_message_is_not_compressed() -> None:
    assert Payload(b"[]").deflated is None
    assert json.loads(text(text_frame("cluster_status", None, Payload(b"[]"), deflate=True))) == {
        "type": "cluster_status",
        "data": [],
    }


def test_clients_that_were_sent_the_same_share_one_payload(world: World) -> None:
    first = world.bridge.store.snapshot()
    world.publish(M1, good(status="idle"))
    second = world.bridge.store.snapshot()
    world.publish(M1, good(status="sending"))
    third = world.bridge.store.snapshot()
    assert whole(third) is whole(third)
    assert changes(second, third) is changes(second, third)
    assert changes(first, third) is not changes(second, third)


def test_list_without_unique_ids_is_sent_whole(world: World) -> None:
    def listed(*names: str) -> Snapshot:
        world.source.cluster = Cluster(tuple(node(name, f"10.0.0.{name[1:]}") for name in names))
        world.bridge.poller.refresh()
        return world.bridge.store.snapshot()

    assert changes(listed("M1"), listed("M1", "M2")) is None
