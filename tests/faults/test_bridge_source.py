"""The bridge while its source fails: the last list stays, marked; logged once; Prometheus keeps its targets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask import Response, jsonify

from testkit.binaries import require
from testkit.fake_ray import FakeRay, RayNode, castray_reply, node_list
from testkit.hostile import GOOD, HostileServer
from testkit.net import free_port, get_json, wait_for
from testkit.process import Process
from testkit.running import RunningBridge
from testkit.slow_clients import slowest

NODES = [RayNode(f"M{n}", f"127.0.0.{n}") for n in (1, 2, 3)]
FROZEN_SECONDS = 24.0
SLOW_SECONDS = 5.0
AT_ONCE = 1.5
"""Seconds within which a reply is there, also while the machine runs other tests; waiting for the source takes 2."""


class Site:
    """A source with three nodes, named by the bridge's `option`, their monitors, and a bridge."""

    def __init__(self, directory: Path, option: str = "--ray-dashboard") -> None:
        port = free_port([node.ip for node in NODES])
        self.monitors = [HostileServer(GOOD, node.ip, port) for node in NODES]
        self.ray = FakeRay(*NODES)
        self.ray.start()
        options = (option, self.ray.url, "--monitor-port", str(port), "--refresh", "0.2", "--source-timeout", "2")
        self.bridge = RunningBridge(directory, *options)

    def close(self) -> None:
        self.bridge.process.kill()
        self.ray.stop()
        for monitor in self.monitors:
            monitor.close()

    def answering(self) -> set[str]:
        """Return the nodes whose monitors answer the bridge."""
        return {name for name, node in self.bridge.nodes().items() if node["workStatusReachable"]}

    def dashboard(self) -> dict[str, Any]:
        reply: dict[str, Any] = self.bridge.get("/api/ray-dashboard").json()
        return reply

    def lines(self) -> list[str]:
        log = self.bridge.process.output()
        return [line for line in log.splitlines() if "source_failed" in line or "source_answers" in line]

    def shows_the_last_list_marked(self) -> None:
        """Assert what every failing source leads to: lights as they were, the mark, and no request that waits."""
        wait_for(lambda: not self.dashboard()["result"], "the mark", 30)
        reply = self.dashboard()
        assert reply["msg"]
        assert [node["name"] for node in reply["data"]["nodes"]] == ["M1", "M2", "M3"]
        assert self.bridge.get("/sd/prometheus").status_code == 503
        assert self.bridge.get("/api/health").status_code == 503
        assert "castray_bridge_ray_up 0.0" in self.bridge.get("/metrics").text
        assert slowest(self.dashboard, 0.5) < AT_ONCE
        assert all(node["workStatus"] == "detecting" for node in self.bridge.nodes().values())

    def recovers(self, known: list[str]) -> None:
        """Assert that the list is a fresh one again, and that the log, which had `known`, said each change once."""
        wait_for(lambda: self.dashboard()["result"], "recovery", 30)
        assert self.bridge.get("/sd/prometheus").status_code == 200
        *failed, answers = (line.split(" ", 3)[3] for line in self.lines()[len(known) :])
        # One line; a second where the question under way at the recovery failed in another way.
        assert 1 <= len(failed) == len(set(failed)) <= 2
        assert failed[0].startswith("source_failed reason=")
        assert answers == "source_answers nodes=3"


class World(Site):
    """The same with a real Prometheus that finds its targets through the bridge."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        discovery = {"url": f"{self.bridge.url}/sd/prometheus", "refresh_interval": "1s"}
        config = {"scrape_configs": [{"job_name": "monitors", "http_sd_configs": [discovery]}]}
        (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
        address = f"127.0.0.1:{free_port()}"
        self.prometheus_url = f"http://{address}"
        self.prometheus = Process(
            [require("prometheus"), f"--config.file={directory / 'prometheus.yml'}",
             f"--storage.tsdb.path={directory / 'tsdb'}", f"--web.listen-address={address}"],
            directory / "prometheus.log",
        )  # fmt: skip

    def close(self) -> None:
        self.prometheus.kill()
        super().close()

    def targets(self) -> set[str]:
        """Return the nodes that Prometheus asks."""
        active = get_json(f"{self.prometheus_url}/api/v1/targets?state=active")["data"]["activeTargets"]
        return {target["labels"]["node"] for target in active}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    running = World(tmp_path_factory.mktemp("bridge"))
    try:
        names = {node.name for node in NODES}
        wait_for(lambda: running.answering() == names, "the nodes' answers", 20)
        wait_for(lambda: running.targets() == names, "Prometheus' targets", 20)
        yield running
    finally:
        running.close()


def slow(ray: FakeRay, seconds: float, then: Any) -> Any:
    ray.ended.wait(seconds)
    return then


def half_a_list() -> Response:
    reply = node_list(NODES)
    reply["data"]["result"]["total"] = 30
    return jsonify(reply)


def wrong_types() -> Response:
    reply = node_list(NODES)
    reply["data"]["result"]["result"] = [7, None, {"node_ip": 5}]
    return jsonify(reply)


def no_nodes() -> Response:
    return jsonify(node_list([]))


MOODS = {
    "500": lambda ray: ("boom", 500),
    "401": lambda ray: ("token", 401),
    "HTML": lambda ray: "<html>proxy error</html>",
    "half a list": lambda ray: half_a_list(),
    "empty while it restarts": lambda ray: no_nodes(),
    "wrong types": lambda ray: wrong_types(),
    "null": lambda ray: jsonify(None),
    "slow": lambda ray: slow(ray, SLOW_SECONDS, "late"),
    "frozen, then 500": lambda ray: slow(ray, FROZEN_SECONDS, ("boom", 500)),
    "redirect": lambda ray: ("", 302, {"Location": "http://169.254.169.254/"}),
}


@contextmanager
def ill(site: Site, mood: Callable[[FakeRay], Any]) -> Iterator[None]:
    """Give every question this answer, until the end."""
    known = site.lines()
    site.ray.mood = lambda: mood(site.ray)
    try:
        yield
    finally:
        site.ray.mood = None
        site.ray.ended.set()
    try:
        site.recovers(known)
    finally:
        site.ray.ended.clear()


@pytest.mark.parametrize("mood", MOODS)
def test_failing_ray_leaves_lights_and_targets_as_they_were(world: World, mood: str) -> None:
    with ill(world, MOODS[mood]):
        world.shows_the_last_list_marked()
        assert slowest(world.dashboard, 1.0) < AT_ONCE  # meanwhile Prometheus asks the bridge once more
        assert world.targets() == {"M1", "M2", "M3"}


def cut(nodes: list[RayNode]) -> Response:
    return Response(json.dumps(castray_reply(nodes))[:-500], content_type="application/json")


CASTRAY_MOODS = {
    "500": MOODS["500"],
    "HTML": MOODS["HTML"],
    "says that it failed": lambda ray: jsonify(result=False, msg="Ray is down"),
    "half a list": lambda ray: cut(NODES),
    "empty while it restarts": lambda ray: jsonify(castray_reply([])),
    "wrong types": lambda ray: jsonify(result=True, data={"nodes": [7, None]}),
    "slow": MOODS["slow"],
    "frozen, then 500": MOODS["frozen, then 500"],
}


@pytest.fixture(scope="module")
def castray(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    running = Site(tmp_path_factory.mktemp("bridge"), "--castray")
    try:
        wait_for(lambda: running.answering() == {"M1", "M2", "M3"}, "the nodes' answers", 20)
        yield running
    finally:
        running.close()


@pytest.mark.parametrize("mood", CASTRAY_MOODS)
def test_failing_castray_leaves_lights_as_they_were(castray: Site, mood: str) -> None:
    with ill(castray, CASTRAY_MOODS[mood]):
        castray.shows_the_last_list_marked()


@contextmanager
def away(site: Site) -> Iterator[None]:
    """Stop the source until the end."""
    site.ray.stop()
    try:
        yield
    finally:
        site.ray.start()
    wait_for(lambda: site.dashboard()["result"], "recovery", 30)


def test_castray_that_goes_away_and_comes_back(castray: Site) -> None:
    with away(castray):
        castray.shows_the_last_list_marked()


def test_ray_that_goes_away_and_comes_back(world: World) -> None:
    known = world.lines()
    with away(world):
        wait_for(lambda: not world.dashboard()["result"], "the mark", 30)
        time.sleep(1.5)
        assert world.targets() == {"M1", "M2", "M3"}
        assert len(world.dashboard()["data"]["nodes"]) == 3
    assert len(world.lines()) <= len(known) + 3  # closing and closed may fail differently, each once


def test_unknown_fields_and_strange_values_of_single_nodes_do_no_harm(world: World) -> None:
    reply = node_list(NODES)
    entry = reply["data"]["result"]["result"][1]
    entry |= {"resources_total": "many", "labels": 7, "state_message": {"a": 1}, "new_field": [1], "node_name": None}
    world.ray.mood = lambda: None if world.ray.requests % 2 else jsonify(reply)
    try:
        asked = world.ray.requests
        wait_for(lambda: world.ray.requests > asked + 4, "more questions")
        assert world.bridge.get("/api/health").ok
        for node in world.bridge.nodes().values():
            assert isinstance(node["resources"]["totalCpu"], int | float)
    finally:
        world.ray.mood = None


def test_ray_that_is_down_at_start_is_waited_for(tmp_path: Path) -> None:
    ray = FakeRay(*NODES)
    with RunningBridge(tmp_path, "--ray-dashboard", ray.url, "--refresh", "0.2") as bridge:
        assert bridge.get("/api/ray-dashboard").status_code == 503
        assert bridge.get("/sd/prometheus").status_code == 503
        with ray:
            wait_for(lambda: bridge.get("/sd/prometheus").ok, "the nodes", 30)
            assert set(bridge.nodes()) == {"M1", "M2", "M3"}


def test_token_that_ray_demands_is_named_in_the_log_once(tmp_path: Path) -> None:
    with FakeRay(*NODES) as ray:
        ray.token = "right"
        with RunningBridge(tmp_path, "--ray-dashboard", ray.url, "--refresh", "0.1") as bridge:
            wait_for(lambda: ray.requests > 5, "questions")
            lines = [line for line in bridge.process.output().splitlines() if "--ray-token-file" in line]
            assert len(lines) == 1


def test_10000_nodes_are_shown_and_delay_no_request(tmp_path: Path) -> None:
    many = [RayNode(f"N{n}", f"127.1.{n // 250}.{n % 250 + 1}") for n in range(10_000)]
    with FakeRay(*many) as ray:
        reply = node_list(many)
        ray.mood = lambda: jsonify(reply)
        options = ("--ray-dashboard", ray.url, "--monitor-port", str(free_port()), "--refresh", "60")
        with RunningBridge(tmp_path, *options) as bridge:
            wait_for(lambda: len(bridge.get("/sd/prometheus").json()) == 10_000, "all nodes", 90)
            assert len(bridge.nodes()) == 10_000
            assert slowest(lambda: bridge.get("/api/health"), 2.0) < AT_ONCE
            assert bridge.resources()["threads"] < 100
