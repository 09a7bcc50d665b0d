"""Nodes that join, leave, share an address or live in another year, as the bridge and its viewers see them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from testkit.fake_ray import FakeRay, RayNode
from testkit.hostile import BEHAVIOURS, GOOD, STATUS, HostileServer, body, says, serving, silent
from testkit.net import free_port, wait_for
from testkit.running import RunningBridge
from testkit.slow_clients import slowest

IPS = ("127.0.0.1", "127.0.0.2", "127.0.0.3")


class World:
    """A bridge with a Ray and monitors that tests change."""

    def __init__(self, directory: Path, stack: ExitStack, *options: str) -> None:
        self.port = free_port(IPS)
        self.ray = stack.enter_context(FakeRay(RayNode("M1", IPS[0])))
        self._stack = stack
        always = ("--ray-dashboard", self.ray.url, "--monitor-port", str(self.port), "--refresh", "0.1")
        self.bridge: RunningBridge = stack.enter_context(RunningBridge(directory, *always, *options))

    def monitor(self, ip: str, **fields: Any) -> HostileServer:
        server = HostileServer(says(body(STATUS | fields)), ip, self.port)
        self._stack.enter_context(suppress(OSError))  # a test may have closed it
        self._stack.callback(server.close)
        return server

    def probes(self, result: str = "") -> float:
        """Return how many questions had that result, or any."""
        lines = self.bridge.get("/metrics").text.splitlines()
        start = f'castray_bridge_probes_total{{result="{result}' + ('"' if result else "")
        return sum(float(line.split()[1]) for line in lines if line.startswith(start))

    def light(self, name: str) -> tuple[str, bool] | None:
        node = self.bridge.nodes().get(name)
        return node and (node["workStatus"], node["workStatusReachable"])

    def listed(self) -> dict[str, list[str]]:
        return {group["labels"]["node"]: group["targets"] for group in self.bridge.get("/sd/prometheus").json()}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield World(tmp_path, stack)


def test_node_that_is_switched_off_and_on_is_seen_within_two_seconds(tmp_path: Path) -> None:
    """With the default refresh. `test_schedule.py` proves the 2 s; here the way to the viewer is counted too."""
    with ExitStack() as stack:
        world = World(tmp_path, stack, "--refresh", "1.0")
        monitor = world.monitor(IPS[0])
        wait_for(lambda: world.light("M1") == ("detecting", True), "M1 detecting")
        monitor.close()
        wait_for(lambda: world.light("M1") == ("idle", False), "M1 gone", 2)
        # By now the distance between attempts would be 8 s, were it not bounded for a port that is closed.
        wait_for(lambda: world.probes("refused") >= 4, "a longer absence", 15)
        world.monitor(IPS[0])
        wait_for(lambda: world.light("M1") == ("detecting", True), "M1 back", 2.3)


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
    assert monitor.requests


def test_node_keeps_its_name_while_ray_takes_its_former_life_for_alive_too(world: World) -> None:
    world.monitor(IPS[0], status="sending")
    world.ray.nodes = [RayNode("M1", IPS[0], node_id="a" * 56), RayNode("M1", IPS[0], node_id="b" * 56)]
    wait_for(lambda: len(world.bridge.get("/api/nodes/unified").json()["nodes"]) == 2, "the twins")
    assert {node["name"] for node in world.bridge.get("/api/nodes/unified").json()["nodes"]} == {"M1"}
    wait_for(lambda: world.light("M1") == ("sending", True), "M1 sending")
    summary = world.bridge.get("/api/ray-dashboard").json()["data"]["summary"]
    assert (summary["aliveNodes"], summary["workStatus"]["sending"], summary["workStatus"]["unknown"]) == (1, 1, 0)
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
    before = len(monitor.requests)
    asked = world.ray.requests
    wait_for(lambda: world.ray.requests >= asked + 20, "two seconds of refreshes", 10)
    # One question per refresh, not one per node and refresh.
    assert len(monitor.requests) - before <= (world.ray.requests - asked) * 1.5


def test_departed_node_is_no_longer_shown_but_listed(world: World) -> None:
    world.monitor(IPS[0])
    world.ray.nodes = [RayNode("M1", IPS[0]), RayNode("M2", IPS[1])]
    wait_for(lambda: world.light("M2"), "M2")
    world.ray.nodes = [RayNode("M1", IPS[0])]
    wait_for(lambda: world.light("M2") is None, "M2 gone")
    assert set(world.listed()) == {"M1", "M2"}
    assert f'castray_bridge_node_present{{node="M2",node_ip="{IPS[1]}"}} 0.0' in world.bridge.get("/metrics").text


def test_every_kind_of_hostile_node_at_once_costs_neither_time_nor_memory(world: World) -> None:
    kinds = {f"127.0.7.{number}": kind for number, kind in enumerate(BEHAVIOURS.values(), start=1)}

    def behave(peer: socket.socket, ended: threading.Event) -> None:
        behaviour = kinds.get(peer.getsockname()[0], (GOOD, ""))[0]
        behaviour(peer, ended)

    with serving(behave, "0.0.0.0", world.port):
        world.ray.nodes = [RayNode("M1", IPS[0]), *(RayNode(ip.replace(".", "-"), ip) for ip in kinds)]
        expected = {ip: reason for ip, (_, reason) in kinds.items()} | {IPS[0]: None}

        def errors() -> dict[str, str | None]:
            return {node["nodeIp"]: node["workStatusError"] for node in world.bridge.nodes().values()}

        wait_for(lambda: errors() == expected, "every node's reason", 5)
        before, asked = world.bridge.resources(), world.probes()
        wait_for(lambda: world.probes() > asked + 3 * len(kinds), "some more rounds", 15)
        after = world.bridge.resources()
        assert errors() == expected
        assert after["megabytes"] - before["megabytes"] < 5
        assert after["threads"] <= before["threads"] + 2
        assert slowest(lambda: world.bridge.get("/api/ray-dashboard"), 1.0) < 0.5


def test_healthy_nodes_are_never_older_than_two_seconds_beside_a_third_that_hangs(tmp_path: Path) -> None:
    """200 nodes, 60 of them hanging; `make bench` has 1000."""
    hanging = {f"127.0.8.{number}" for number in range(1, 61)}
    healthy = [f"127.0.9.{number}" for number in range(1, 141)]
    states = ["detecting"]

    def behave(peer: socket.socket, ended: threading.Event) -> None:
        answer = silent if peer.getsockname()[0] in hanging else says(body(STATUS | {"status": states[-1]}))
        answer(peer, ended)

    with ExitStack() as stack:
        world = World(tmp_path, stack, "--refresh", "1.0")
        stack.enter_context(serving(behave, "0.0.0.0", world.port))
        world.ray.nodes = [RayNode(ip.replace(".", "-"), ip) for ip in [*sorted(hanging), *healthy]]

        def shown(state: str) -> set[str]:
            return {node["nodeIp"] for node in world.bridge.nodes().values() if node["workStatus"] == state}

        wait_for(lambda: shown("detecting") == set(healthy), "the healthy ones", 5)
        wait_for(lambda: world.probes("timeout") >= len(hanging), "the ends of the first questions", 5)
        threads = world.bridge.resources()["threads"]
        for state in ("sending", "detecting", "sending"):
            states.append(state)
            wait_for(lambda state=state: shown(state) == set(healthy), f"everybody's {state}", 2)
        assert world.probes("timeout") >= 2 * len(hanging)
        assert world.bridge.resources()["threads"] <= threads + 2


@pytest.mark.parametrize("stamp", ["1970-01-01T00:00:09.000+00:00", "2099-12-31T23:59:59.000+00:00"])
def test_clock_of_a_node_is_shown_and_not_trusted(world: World, stamp: str) -> None:
    server = world.monitor(IPS[0], timestamp=stamp)
    wait_for(lambda: world.light("M1") == ("detecting", True), "M1")
    assert world.bridge.nodes()["M1"]["workStatusTimestamp"] == stamp
    assert world.bridge.get("/api/ray-dashboard").json()["timestamp"][:4] not in (stamp[:4], "")
    # A later answer counts, whatever its own clock says.
    server.behaviour = says(body(STATUS | {"status": "sending", "timestamp": "2000-01-01T00:00:00.000+00:00"}))
    wait_for(lambda: world.light("M1") == ("sending", True), "the later answer", 3)
