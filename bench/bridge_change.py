"""From a change on a node to its sight: at the API, on a WebSocket, and on 256 of them."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import cycle
from statistics import median, quantiles
from typing import Any, Final

import requests
import websocket

from bench.bridge import Bridge, over_monitors
from bench.row import Benches, Row
from testkit.fake_fleet import host
from testkit.net import wait_for
from testkit.process import Process, module

_CHANGES: Final = 120
_POLLED: Final = 15
_PUSHED: Final = 20
_VIEWERS: Final = 256
_STATES: Final = ("sending", "idle", "detecting")


class _Node:
    """M1, whose state is changed over a connection that stays open."""

    def __init__(self, bridge: Bridge) -> None:
        self.url = f"http://{host(0)}:{bridge.monitor_port}"
        self._session = requests.Session()
        self._states = cycle(_STATES)

    def change(self) -> tuple[str, float]:
        """Report the next state; return it and when that was begun (monotonic seconds)."""
        state, begun = next(self._states), time.monotonic()
        self._session.post(f"{self.url}/api/update_status", json={"status": state}, timeout=5).raise_for_status()
        return state, begun


def _apart() -> float:
    # Further apart than two messages to a client have to be, and than two probes of a node after a burst.
    return 0.12 + random.random() * 0.1


def _seen_by_polling(url: str, node: _Node, pause: float, changes: int) -> list[float]:
    """Return the milliseconds until a client that polls `url` every `pause` seconds saw each change."""
    times = []
    with requests.Session() as session:
        for _ in range(changes):
            time.sleep(_apart())
            state, begun = node.change()
            time.sleep(random.random() * pause)  # the change comes at any moment of the poller's second
            while _state(session.get(url, timeout=5).json()) != state:
                time.sleep(pause)
            times.append(1000 * (time.monotonic() - begun))
    return times


def _state(reply: dict[str, Any]) -> str:
    node = reply["data"]["nodes"][0] if "data" in reply else reply
    state: str = node.get("workStatus") or node["status"]
    return state


def _seen_on_websocket(bridge: Bridge, node: _Node) -> list[float]:
    times = []
    client = websocket.create_connection(bridge.url.replace("http", "ws") + "/ws", timeout=10)
    for _ in range(_CHANGES):
        time.sleep(_apart())
        state, begun = node.change()
        while _state(json.loads(client.recv())) != state:
            pass
        times.append(1000 * (time.monotonic() - begun))
    client.close(timeout=1)
    return times


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100, method="inclusive")[98]


def _change() -> list[Row]:
    with over_monitors(23) as bridge:
        node = _Node(bridge)
        direct = _seen_by_polling(f"{node.url}/api/status", node, 1.0, _POLLED)
        polled = _seen_by_polling(f"{bridge.url}/api/ray-dashboard", node, 0.0, _CHANGES)
        pushed = _seen_on_websocket(bridge, node)
    rows = []
    for name, times in (("at the API", polled), ("on /ws", pushed)):
        what = f"change of one of 23 nodes, seen {name}"
        rows.append(Row(f"{what}: p50", median(times), "ms", "<= 20", "asked each second", median(direct)))
        rows.append(Row(f"{what}: p99", _p99(times), "ms", "<= 100", "asked each second", _p99(direct)))
    return rows


def _mute(bridge: Bridge) -> socket.socket:
    """Return a client that opens a WebSocket and never reads."""
    address = bridge.url.removeprefix("http://")
    name, _, port = address.partition(":")
    peer = socket.create_connection((name, int(port)))
    peer.sendall(
        f"GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return peer


def _dropped(bridge: Bridge) -> int:
    lines = requests.get(f"{bridge.url}/metrics", timeout=10).text.splitlines()
    return int(
        float(next(line.split()[1] for line in lines if line.startswith("castray_bridge_websocket_dropped_tot")))
    )


@contextmanager
def _viewers(bridge: Bridge, stack: ExitStack) -> Iterator[Process]:
    log = bridge.directory / "viewers.log"
    with Process([*module("bench.viewers"), bridge.url, str(_VIEWERS)], log) as process:
        wait_for(lambda: "connected" in process.output(), "the viewers", 30)
        yield process


def _push() -> list[Row]:
    with over_monitors(23, "--max-websockets", str(_VIEWERS + 10)) as bridge, ExitStack() as stack:
        mutes = [stack.enter_context(_mute(bridge)) for _ in range(3)]
        begun = time.monotonic()
        viewers = stack.enter_context(_viewers(bridge, stack))
        node = _Node(bridge)
        changes = []
        gone: float | None = None
        for _ in range(_PUSHED):
            changes.append(node.change())
            time.sleep(0.6)
            if gone is None and _dropped(bridge) == len(mutes):
                gone = time.monotonic() - begun
        viewers.terminate()
        sights = json.loads(viewers.output().splitlines()[-1])
    late, missed = _delays(changes, sights)
    name = f"{_VIEWERS} WebSocket clients and 3 that never read"
    return [
        Row(f"{name}: pushes missed", missed, "pushes", "== 0"),
        Row(f"{name}: change to its sight, p99", _p99(late), "ms", "<= 300"),
        Row(f"{name}: change to its sight, median", median(late), "ms", ""),
        Row(f"{name}: the three dropped after", 1e9 if gone is None else gone, "s", "<= 10"),
    ]


def _delays(changes: list[tuple[str, float]], sights: list[list[tuple[str, float]]]) -> tuple[list[float], int]:
    """Return the milliseconds from each change to each viewer's sight of it, and how many sights there were not."""
    late, missed = [], 0
    for seen in sights:
        for number, (state, begun) in enumerate(changes):
            until = changes[number + 1][1] if number + 1 < len(changes) else float("inf")
            found = [at for shown, at in seen if shown == state and begun <= at < until]
            missed += not found
            late += [1000 * (at - begun) for at in found[:1]]
    return late, missed


BENCHES: Benches = {"bridge-change": _change, "bridge-push": _push}
