"""The viewers' side of a WebSocket: frames in pieces, pings, compression, and what is told at the end."""

from __future__ import annotations

import json
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.bridge import over_changing_fleet
from bench.fleet_viewers import Viewer, states
from bench.fleet_watch import DELTA_PROTOCOL, Audience, plain_viewers, rows, wall_viewers, watch
from castray_bridge.web import access
from testkit.net import wait_for
from testkit.process import Process, module


def _frame(first: int, payload: bytes) -> bytes:
    if len(payload) < 126:
        return bytes((first, len(payload))) + payload
    return struct.pack(">BBH", first, 126, len(payload)) + payload


def _deflated(payload: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return (compressor.compress(payload) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]


def _node(number: int, change: int) -> bytes:
    return b'{"currentTask":"M%d change %d at 1.5","padding":"%s"}' % (number, change, b"x" * 200)


@pytest.fixture
def pair() -> Iterator[tuple[Viewer, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield Viewer(ours, keeps_payload=True), theirs


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("deflate", [False, True])
def test_frames_come_in_pieces_of_any_size(pair: tuple[Viewer, socket.socket], size: int, deflate: bool) -> None:
    viewer, _ = pair
    messages = [_node(3, 1), _node(3, 1) + _node(4, 7), b"", b"pong"]
    frames = [_frame(0xC1, _deflated(each)) if deflate else _frame(0x81, each) for each in messages]
    stream = b"".join(frames)
    for at in range(0, len(stream), size):
        assert viewer.take(memoryview(stream[at : at + size]))
    assert viewer.messages == 4
    assert [(node, change) for node, change, _ in viewer.seen] == [(3, 1), (4, 7)]


def test_ping_is_answered_and_close_ends(pair: tuple[Viewer, socket.socket]) -> None:
    viewer, peer = pair
    assert viewer.take(memoryview(_frame(0x89, b"here?")))
    assert peer.recv(100) == bytes((0x8A, 0x85, 0, 0, 0, 0)) + b"here?"
    assert not viewer.take(memoryview(_frame(0x88, b"")))


def test_bytes_of_unread_messages_are_counted(pair: tuple[Viewer, socket.socket]) -> None:
    _, peer = pair
    peer.setblocking(False)
    viewer = Viewer(peer, keeps_payload=False)
    pair[0].socket.sendall(_frame(0x81, b"y" * 1000) * 3)
    while viewer.messages < 3:
        assert viewer.receive()
    assert viewer.bytes == 3 * 1004
    assert viewer.seen == []


def _message(seq: int, kind: str, *nodes: dict[str, Any]) -> bytes:
    return json.dumps({"type": kind, "seq": seq, "data": {"nodes": nodes}}).encode()


def test_states_are_those_of_the_list_and_the_deltas_after_it() -> None:
    whole: list[dict[str, Any]] = [
        {"nodeId": f"id-{number}", "workStatus": "idle", "currentTask": f"M{number} begins"} for number in (1, 2)
    ]
    change = {"nodeId": "id-2", "workStatus": "sending", "currentTask": "M2 change 1 at 5"}
    whole.append({"nodeId": "id-3", "workStatus": "idle", "currentTask": None})  # unreachable
    messages = [_message(7, "cluster_status", *whole), _message(8, "cluster_delta", change)]
    assert states(messages) == {"M1": ["idle", "M1 begins"], "M2": ["sending", "M2 change 1 at 5"]}
    with pytest.raises(ValueError, match="9 instead of 8"):
        states([messages[0], _message(9, "cluster_delta", change)])


def test_viewers_that_are_refused_say_so(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        with Process([*module("bench.fleet_viewers"), url, "1", "-", "-", "time"], tmp_path / "log") as process:
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n")
                wait_for(lambda: "no WebSocket: HTTP/1.1 404" in process.output(), "the refusal")


@pytest.mark.parametrize("audience", [wall_viewers(8), plain_viewers(8), plain_viewers(8, deflate=True)])
def test_viewers_of_a_bridge_see_every_change_and_the_last_states(audience: Audience, tmp_path: Path) -> None:
    with over_changing_fleet(12, 6) as (bridge, fleet):
        found = watch(bridge, fleet, audience, 3.0, tmp_path)
    assert found.changes >= 5 * 6
    assert len(found.sights.late) + found.sights.missed == found.changes
    assert (found.sights.missed, found.wrong, found.lost) == (0, 0, 0)
    assert 0 < found.kilobytes < 1000
    assert min(found.cpu, found.megabytes) > 0
    figures = {row.name: row for row in rows("fleet", found, {"changes missed": "== 0"})}
    assert figures["fleet: changes missed"].kept


def test_promise_of_a_figure_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    with over_changing_fleet(2, 1) as (bridge, fleet):
        found = watch(bridge, fleet, wall_viewers(0), 1.0, tmp_path)
    with pytest.raises(ValueError, match="changes missed"):
        rows("fleet", found, {"changes missed": "== 0"})


def test_viewers_of_the_wall_offer_the_bridges_protocol() -> None:
    assert DELTA_PROTOCOL == access.DELTA_PROTOCOL
