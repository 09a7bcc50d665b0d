"""Nodes that join, leave, share an address or live in another year, as the bridge and its viewers see them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.castray_bridge.hostile import STATUS, HostileServer, body, says
from tests.faults.fake_ray import FakeRay, RayNode
from tests.support.net import free_port, wait_for
from tests.support.running import RunningBridge

IPS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


class World:
    """A bridge with a Ray and monitors that tests change."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.port = free_port(IPS)
        self.ray = stack.enter_context(FakeRay(RayNode("M1", IPS[0])))
        self._stack = stack
        options = ("--ray-dashboard", self.ray.url, "--monitor-port", str(self.port), "--refresh", "0.1")
        self.bridge: RunningBridge = stack.enter_context(RunningBridge(directory, *options))

    def monitor(self, ip: str, **fields: Any) -> HostileServer:
        server = HostileServer(says(body(STATUS | fields)), ip, self.port)
        self._stack.enter_context(suppress(OSError))  # a test may have closed it
        self._stack.callback(server.close)
        return server

    def light(self, name: str) -> tuple[str, bool] | None:
        node = self.bridge.nodes().get(name)
        return node and (node["workStatus"], node["workStatusReachable"])

    def listed(self) -> dict[str, list[str]]:
        return {group["labels"]["node"]: group["targets"] for group in self.bridge.get("/sd/prometheus").json()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


def test_node_that_is_switched_off_and_on_is_seen_within_two_seconds(world: World) -> None:
    monitor = world.monitor(IPS[0])
    wait_for(lambda: world.light("M1") == ("detecting", True), "M1 detecting")
    monitor.close()
    wait_for(lambda: world.light("M1") == ("idle", False), "M1 gone", 2)
    world.monitor(IPS[0])
    wait_for(lambda: world.light("M1") == ("detecting", True), "M1 back", 3)


def test_rejoined_node_has_one_light_and_no_ghost(world: World) -> None:
    monitor = world.monitor(IPS[0], status="sending")
    wait_for(lambda: world.light("M1") == ("sending", True), "M1 sending")
    world.ray.nodes = [RayNode("M1", IPS[0], alive=False, node_id="a" * 56), RayNode("M1", IPS[0], node_id="b" * 56)]
    wait_for(lambda: len(world.bridge.get("/api/nodes/unified").json()["nodes"]) == 2, "the twins")
    wait_for(lambda: world.light("M1") == ("sending", True), "the living twin's light", 3)
    twins = world.bridge.get("/api/nodes/unified").json()["nodes"]
    assert {twin["state"]: twin["workStatusReachable"] for twin in twins} == {"DEAD": False, "ALIVE": True}
    assert world.listed() == {"M1": [f"{IPS[0]}:{world.port}"]}
    assert world.bridge.get("/api/ray-dashboard").json()["data"]["summary"]["workStatus"]["sending"] == 1
    assert monitor.questions


def test_node_keeps_its_name_while_ray_takes_its_former_life_for_alive_too(world: World) -> None:
    world.monitor(IPS[0], status="sending")
    world.ray.nodes = [RayNode("M1", IPS[0], node_id="a" * 56), RayNode("M1", IPS[0], node_id="b" * 56)]
    wait_for(lambda: len(world.bridge.get("/api/nodes/unified").json()["nodes"]) == 2, "the twins")
    assert {node["name"] for node in world.bridge.get("/api/nodes/unified").json()["nodes"]} == {"M1"}
    assert world.listed() == {"M1": [f"{IPS[0]}:{world.port}"]}


def test_node_with_a_new_address_takes_its_light_along(world: World) -> None:
    world.monitor(IPS[0])
    wait_for(lambda: world.light("M1") == ("detecting", True), "M1")
    world.monitor(IPS[1], status="sending")
    world.ray.nodes = [RayNode("M1", IPS[1])]
    wait_for(lambda: world.light("M1") == ("sending", True), "M1 at its new address", 3)
    assert world.listed() == {"M1": [f"{IPS[1]}:{world.port}"]}


def test_two_nodes_on_one_address_are_asked_once_and_shown_twice(world: World) -> None:
    monitor = world.monitor(IPS[0], version=None)
    world.ray.nodes = [RayNode("M1", IPS[0]), RayNode("M2", IPS[0])]
    wait_for(lambda: world.light("M1") == world.light("M2") == ("detecting", True), "both lights")
    before = len(monitor.questions)
    asked = world.ray.questions
    wait_for(lambda: world.ray.questions >= asked + 20, "two seconds of refreshes", 10)
    # One question per refresh, not one per node and refresh.
    assert len(monitor.questions) - before <= (world.ray.questions - asked) * 1.5


def test_departed_node_is_no_longer_shown_but_listed(world: World) -> None:
    world.monitor(IPS[0])
    world.ray.nodes = [RayNode("M1", IPS[0]), RayNode("M2", IPS[1])]
    wait_for(lambda: world.light("M2"), "M2")
    world.ray.nodes = [RayNode("M1", IPS[0])]
    wait_for(lambda: world.light("M2") is None, "M2 gone")
    assert set(world.listed()) == {"M1", "M2"}
    assert f'castray_bridge_node_present{{node="M2",node_ip="{IPS[1]}"}} 0.0' in world.bridge.get("/metrics").text


@pytest.mark.parametrize("stamp", ["1970-01-01T00:00:09.000+00:00", "2099-12-31T23:59:59.000+00:00"])
def test_clock_of_a_node_is_shown_and_not_trusted(world: World, stamp: str) -> None:
    server = world.monitor(IPS[0], timestamp=stamp)
    wait_for(lambda: world.light("M1") == ("detecting", True), "M1")
    assert world.bridge.nodes()["M1"]["workStatusTimestamp"] == stamp
    assert world.bridge.get("/api/ray-dashboard").json()["timestamp"][:4] not in (stamp[:4], "")
    # A later answer counts, whatever its own clock says.
    server.behaviour = says(body(STATUS | {"status": "sending", "timestamp": "2000-01-01T00:00:00.000+00:00"}))
    wait_for(lambda: world.light("M1") == ("sending", True), "the later answer", 3)
