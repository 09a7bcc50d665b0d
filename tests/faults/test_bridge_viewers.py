"""Viewers of the bridge that stay, never read, flood or vanish. Everybody else misses nothing."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
import websocket

from testkit.fake_ray import FakeRay, RayNode
from testkit.hostile import STATUS, body, says, serving
from testkit.net import wait_for
from testkit.raw_websocket import shake_hands
from testkit.running import RunningBridge
from testkit.slow_clients import Begin, allow_descriptors, crowd, idle, slow_kinds, slowest

CAP = 256
SLOW = slow_kinds("/api/ray-dashboard")
ORDINARY = 1.5
"""Seconds within which a reply is there, also while the machine runs other tests; waiting for a client takes 2."""


class World:
    """A bridge over one node that answers and many that do not, so that a push is a few hundred kilobytes."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.node = stack.enter_context(serving(says(body(STATUS))))
        nodes = [RayNode("M1", "127.0.0.1"), *(RayNode(f"N{n}", f"127.2.{n // 200}.{n % 200 + 1}") for n in range(150))]
        ray = stack.enter_context(FakeRay(*nodes))
        options = ("--ray-dashboard", ray.url, "--monitor-port", str(self.node.address.port), "--refresh", "0.3")
        self.bridge: RunningBridge = stack.enter_context(RunningBridge(directory, *options))
        wait_for(lambda: self.bridge.nodes()["M1"]["workStatusReachable"], "M1", 20)

    def becomes(self, state: str) -> None:
        self.node.behaviour = says(body(STATUS | {"status": state}))

    def metric(self, name: str) -> float:
        lines = self.bridge.get("/metrics").text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"castray_bridge_{name} "))

    def connect(self) -> websocket.WebSocket:
        # Checking UTF-8 is slow in Python, and not what is tested here.
        return websocket.create_connection(f"ws://{self.bridge.address}/ws", timeout=15, skip_utf8_validation=True)

    def mute(self) -> socket.socket:
        """Return a client that says hello and never reads."""
        return shake_hands(self.bridge.address)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    allow_descriptors(6000)
    with ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("bridge"), stack)


@pytest.fixture(autouse=True)
def _nobody_connected(world: World) -> None:
    try:
        wait_for(lambda: world.metric("websocket_clients") == 0, "no clients left of the test before", 60)
    except TimeoutError as error:
        raise AssertionError(f"{error}\n{world.bridge.process.output()[-5000:]}") from None


class Audience:
    """Clients that read everything; tells when each of them saw a state of M1 first."""

    def __init__(self, clients: Sequence[websocket.WebSocket]) -> None:
        self._clients = clients
        self.seen: list[dict[str, float]] = [{} for _ in clients]
        self.lost = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            for number, client in enumerate(self._clients):
                selector.register(client.sock, selectors.EVENT_READ, number)
            while not self._stop.is_set():
                for key, _ in selector.select(0.1):
                    try:
                        message = self._clients[key.data].recv()
                    except (websocket.WebSocketException, OSError):
                        self.lost += 1
                        selector.unregister(key.fileobj)
                        continue
                    # The node's own object comes first in the message; the rest need not be parsed 256 times.
                    state = json.JSONDecoder().raw_decode(message, message.index("[") + 1)[0]["workStatus"]
                    self.seen[key.data].setdefault(state, time.monotonic())

    def all_saw(self, state: str) -> bool:
        return all(state in seen for seen in self.seen)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        for client in self._clients:
            client.close(timeout=1)


def test_viewers_at_the_cap_miss_nothing_beside_three_that_never_read(world: World) -> None:
    mutes = [world.mute() for _ in range(3)]
    wait_for(lambda: world.metric("websocket_clients") == 3, "the mute ones")
    dropped = world.metric("websocket_dropped_total")
    audience = Audience([world.connect() for _ in range(CAP - 3)])
    try:
        for state in ("sending", "idle"):
            world.becomes(state)
            wait_for(lambda state=state: audience.all_saw(state), f"everybody's {state}", 60)
        assert audience.lost == 0
        wait_for(lambda: world.metric("websocket_dropped_total") - dropped == 3, "the mute ones dropped", 30)
        lines = [line for line in world.bridge.process.output().splitlines() if "websocket_dropped" in line]
        assert len(lines) == 3
        assert slowest(lambda: world.bridge.get("/api/health"), 1.0) < ORDINARY
    finally:
        world.becomes("detecting")
        audience.close()
        for mute in mutes:
            mute.close()


def is_turned_away(client: websocket.WebSocket) -> bool:
    """Return what the first frame tells: the state (text), or that there are too many (close)."""
    return bool(client.recv_data()[0] == websocket.ABNF.OPCODE_CLOSE)


def test_1000_clients_against_the_cap_are_turned_away_and_the_others_stay(world: World) -> None:
    clients = [world.connect() for _ in range(CAP)]
    assert not any(is_turned_away(client) for client in clients)
    audience = Audience(clients)  # which answers the pings: the bridge drops a client that does not
    try:
        for _ in range(1000 - CAP):
            client = world.connect()
            assert is_turned_away(client)
            client.shutdown()
        assert audience.lost == 0
        assert world.metric("websocket_clients") == CAP
        assert slowest(lambda: world.bridge.get("/api/health"), 1.0) < ORDINARY
    finally:
        audience.close()


def send_huge(client: websocket.WebSocket) -> None:
    client.send("x" * 1_000_000)


def send_fragments(client: websocket.WebSocket) -> None:
    for _ in range(10_000):
        client.send_frame(websocket.ABNF.create_frame("x" * 100, websocket.ABNF.OPCODE_TEXT, fin=0))


def send_garbage(client: websocket.WebSocket) -> None:
    client.sock.sendall(b"\xff" * 10_000)


def flood_pings(client: websocket.WebSocket) -> None:
    for _ in range(200_000):
        client.send("ping")


@pytest.mark.parametrize("attack", [send_huge, send_fragments, send_garbage, flood_pings])
def test_client_that_misbehaves_is_gone_and_the_next_one_served(world: World, attack: object) -> None:
    other, bad = world.connect(), world.connect()
    other.recv()
    before = world.bridge.resources()["megabytes"]
    with contextlib.suppress(websocket.WebSocketException, OSError):
        attack(bad)  # type: ignore[operator] # one of the functions above
    wait_for(lambda: world.metric("websocket_clients") == 1, "only the good one left", 30)
    assert world.bridge.resources()["megabytes"] - before < 20
    other.send("ping")
    assert wait_for(lambda: other.recv() == "pong", "pong", 15)
    other.close(timeout=1)
    bad.shutdown()
    assert "Traceback" not in world.bridge.process.output()


@pytest.mark.parametrize("kind", SLOW.values(), ids=SLOW)
def test_500_slow_clients_delay_nobody(world: World, kind: Begin) -> None:
    def dashboard() -> None:
        assert world.bridge.get("/api/ray-dashboard").ok

    with crowd(world.bridge, 500, kind):
        # What they asked for has to be worked off first; what is measured is what their slowness costs.
        wait_for(lambda: slowest(dashboard, 0.3) < ORDINARY / 2, "the end of the first rush", 45)
        assert slowest(dashboard, 1.0) < ORDINARY
        client = world.connect()
        client.recv()
        client.close(timeout=1)
    assert "Traceback" not in world.bridge.process.output()


def test_1500_idle_viewers_find_room_under_the_usual_limit_of_descriptors(world: World) -> None:
    with crowd(world.bridge, 1500, idle):
        for _ in range(20):
            assert world.bridge.get("/api/ray-dashboard").ok
        assert max(process.num_fds() for process in world.bridge.processes()) > 1500
    assert "Traceback" not in world.bridge.process.output()


def test_crowds_of_slow_clients_leave_no_memory_behind(world: World) -> None:
    """The first crowds make threads, which stay for the next; what every later one adds would be lost for ever."""

    def crowds() -> float:
        for kind in SLOW.values():
            with crowd(world.bridge, 200, kind):
                assert world.bridge.get("/api/ray-dashboard").ok
        return world.bridge.resources()["megabytes"]

    sizes = [crowds()]
    # How many threads work at once, and so which crowd is the last to add some, depends on the machine.
    while len(sizes) < 10:
        sizes.append(crowds())
        if sizes[-1] - sizes[-2] < 1:
            return
    raise AssertionError(f"each crowd adds memory: {sizes}")


def test_200_pollers_all_get_their_answers_and_the_nodes_notice_nothing(world: World) -> None:
    def poll(_: int) -> list[int]:
        with requests.Session() as session:
            return [session.get(f"{world.bridge.url}/api/ray-dashboard", timeout=60).status_code for _ in range(5)]

    before, begun = len(world.node.requests), time.monotonic()
    with ThreadPoolExecutor(200) as pollers:
        statuses = Counter(status for replies in pollers.map(poll, range(200)) for status in replies)
    assert statuses == {200: 1000}, world.bridge.process.output()[-5000:]
    # The node is asked at every refresh of 0.3 s, whoever looks.
    assert len(world.node.requests) - before <= (time.monotonic() - begun) / 0.3 + 2


def test_500_scrapes_leave_nothing_behind(world: World) -> None:
    def scrape(times: int) -> None:
        with requests.Session() as session:
            for _ in range(times):
                assert session.get(f"{world.bridge.url}/metrics", timeout=10).ok

    scrape(20)
    before = world.bridge.resources()
    scrape(500)
    after = world.bridge.resources()
    assert abs(after["threads"] - before["threads"]) <= 2
    assert abs(after["descriptors"] - before["descriptors"]) <= 2
    assert after["megabytes"] - before["megabytes"] < 5
