"""What is tried at the bridge: making it ask others, reading it from foreign pages, names that are no names."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import websocket
from flask import jsonify

from testkit.fake_ray import FakeRay, RayNode, node_list
from testkit.hostile import GOOD, STATUS, HostileServer, body, says, serving
from testkit.net import wait_for
from testkit.running import RunningBridge
from tests.attacks.http import refusal, reply, request

HOSTILE = "<img src=x onerror=alert(1)>\"'\\\r\n2026 ERROR fake\x00\u202e{}`${x}" + "A" * 10_000_000


class World:
    """A bridge over a node of its own, and a server that must get no request."""

    def __init__(self, directory: Path, stack: ExitStack, *options: str) -> None:
        self.node: HostileServer = stack.enter_context(serving(GOOD))
        self.victim: HostileServer = stack.enter_context(serving(GOOD, "127.0.0.77"))
        self.ray = stack.enter_context(FakeRay(RayNode("M5", "127.0.0.1")))
        port = str(self.node.address.port)
        always = ("--ray-dashboard", self.ray.url, "--monitor-port", port, "--refresh", "0.2")
        self.bridge: RunningBridge = stack.enter_context(RunningBridge(directory, *always, *options))
        wait_for(lambda: self.bridge.nodes()["M5"]["workStatusReachable"], "the node's answer")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path_factory.mktemp("bridge"), stack)


@pytest.mark.parametrize(
    "path",
    ["/api/ray-dashboard?dashboard_url={}", "/api/ray-dashboard?url={}&target={}&castray={}", "/api/history?node={}",
     "/api/nodes/{}/status", "/api/nodes/unified?dashboard_url={}", "/sd/prometheus?target={}", "/metrics?target={}",
     "/ws?dashboard_url={}", "/?dashboard_url={}"],
)  # fmt: skip
def test_no_visitor_makes_the_bridge_ask_another_address(world: World, path: str) -> None:
    target = f"http://{world.victim.address}/"
    for shown in (target, target.replace("/", "%2f").replace(":", "%3a")):
        answer = reply(world.bridge, request(f"GET {path.replace('{}', shown)} HTTP/1.1"))
        assert answer.status in (200, 400, 404)
    questions = world.ray.requests
    wait_for(lambda: world.ray.requests > questions + 2, "the next refreshes")
    assert world.victim.requests == []
    assert world.bridge.get("/api/ray-dashboard").json()["data"]["dashboardUrl"] == world.ray.url.rstrip("/")


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_neither_node_nor_ray_can_send_the_bridge_elsewhere(world: World, status: str) -> None:
    location = f"http://{world.victim.address}/"
    world.node.behaviour = says(f"HTTP/1.0 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
    world.ray.mood = lambda: ("", int(status[:3]), {"Location": location})
    try:
        wait_for(lambda: world.bridge.nodes()["M5"]["workStatusError"] == f"http_{status[:3]}", "the node's error")
        wait_for(lambda: status[:3] in world.bridge.get("/api/ray-dashboard").json()["msg"], "Ray's error")
        assert world.victim.requests == []
    finally:
        world.node.behaviour, world.ray.mood = GOOD, None
    wait_for(lambda: world.bridge.nodes()["M5"]["workStatusReachable"], "recovery", 20)


@pytest.mark.parametrize(
    "ip", ["metadata.google.internal", "127.0.0.77@evil", "127.0.0.77/", "0x7f00004d", "::1%lo", ""]
)
def test_address_that_is_no_ip_address_is_never_asked(world: World, ip: str) -> None:
    world.ray.nodes = [RayNode("M5", "127.0.0.1"), RayNode("M6", ip)]
    try:
        questions = world.ray.requests
        wait_for(lambda: world.ray.requests > questions + 2, "the next refreshes")
        assert world.bridge.nodes()["M6"]["workStatusError"] == "unreachable"
        assert "M6" not in world.bridge.get("/sd/prometheus").text
        assert "M6" not in world.bridge.get("/api/history").json()["nodes"]
        assert world.victim.requests == []
    finally:
        world.ray.nodes = [RayNode("M5", "127.0.0.1")]


def test_hostile_names_are_cut_to_the_safe_alphabet_everywhere(world: World) -> None:
    listing = node_list([RayNode("M5", "127.0.0.1"), RayNode("M6", "127.0.0.6")])
    entry = listing["data"]["result"]["result"][1]
    entry |= {"labels": {"cmzsb.node": HOSTILE}, "state_message": HOSTILE, "node_name": HOSTILE}
    world.ray.mood = lambda: jsonify(listing)
    world.node.behaviour = says(body(STATUS | {"latest_state": {"current_task": HOSTILE[:9000]}}))
    try:
        wait_for(lambda: len(world.bridge.nodes().keys() - {"M6"}) == 2, "both nodes", 20)
        names = set(world.bridge.nodes())
        assert all(len(name) <= 63 and not set(name) & set("<>\"'\\{}`$ \r\n\x00\u202e") for name in names), names
        node = next(node for name, node in world.bridge.nodes().items() if name != "M5")
        assert len(node["stateMessage"]) <= 200
        assert node["stateMessage"].isprintable()
        wait_for(lambda: world.bridge.nodes()["M5"]["currentTask"].startswith("<img"), "the task", 5)
        assert world.bridge.nodes()["M5"]["currentTask"].isprintable()
        metrics = world.bridge.get("/metrics").text
        assert "<img" not in metrics
        assert "\n2026" not in metrics
        assert all(line.isprintable() for line in world.bridge.process.output().splitlines())
    finally:
        world.node.behaviour, world.ray.mood = GOOD, None


def test_lone_surrogate_in_rays_list_is_refused_and_the_last_list_stays(world: World) -> None:
    wait_for(lambda: set(world.bridge.nodes()) == {"M5"}, "the list without the hostile node")
    text = '{"data":{"result":{"total":1,"result":[{"node_ip":"127.0.0.1","labels":{"cmzsb.node":"\\ud800"}}]}}}'
    world.ray.mood = lambda: (text, 200, {"Content-Type": "application/json"})
    try:
        wait_for(lambda: not world.bridge.get("/api/ray-dashboard").json()["result"], "the mark")
        assert set(world.bridge.nodes()) == {"M5"}
        assert world.bridge.get("/metrics").ok
    finally:
        world.ray.mood = None


def test_web_page_of_another_origin_gets_no_socket_and_no_data(tmp_path: Path) -> None:
    with ExitStack() as stack:
        bridge = World(tmp_path, stack, "--cors-origin", "http://good.example").bridge
        for origin in ("http://evil.example", "null", "http://good.example.evil", "http://good.example:81", "file://"):
            with pytest.raises(websocket.WebSocketBadStatusException, match="403"):
                websocket.create_connection(f"ws://{bridge.address}/ws", origin=origin, timeout=5)
            answer = bridge.get("/api/ray-dashboard", headers={"Origin": origin})
            assert "Access-Control-Allow-Origin" not in answer.headers
        with pytest.raises(websocket.WebSocketBadStatusException, match="421"):
            websocket.create_connection(f"ws://{bridge.address}/ws", host="evil.example", timeout=5)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(world: World, method: str) -> None:
    for path in ("/api/ray-dashboard", "/api/nodes/M5/status", "/sd/prometheus", "/metrics", "/api/history"):
        raw = request(f"{method} {path} HTTP/1.1", "Content-Type: application/json", body=b"{}")
        assert refusal(world.bridge, raw)[0] == 405


def test_200_pollers_of_the_history_ask_the_nodes_a_bounded_number_of_times(world: World) -> None:
    def poll() -> None:
        answers.append(world.bridge.get("/api/history?minutes=60").status_code)

    def histories() -> int:
        return sum(b"/api/history" in request for request in world.node.requests)

    answers: list[Any] = []
    before = histories()
    pollers = [threading.Thread(target=poll) for _ in range(200)]
    for poller in pollers:
        poller.start()
    for poller in pollers:
        poller.join()
    assert answers == [200] * 200
    assert histories() - before <= 10
