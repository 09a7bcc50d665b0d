"""Orders, reports and removal, on a fake Ray."""

from __future__ import annotations

from typing import Any

import pytest
from ray.exceptions import RayActorError

from deploy import actors, cluster
from deploy.actors import MonitorActor
from deploy.settings import Settings
from servicekit.errors import StartError
from testkit.clocks import ManualClock
from testkit.fake_ray_actors import FakeRay

SETTINGS = Settings(8000, "all", "/var", 60.0, "info", "2.0.0", "abc")
TABLE = [
    {
        "NodeID": "ab" * 28,
        "Alive": True,
        "NodeManagerAddress": "10.0.0.1",
        "Resources": {"M1": 1, "node:__internal_head__": 1},
    },
    {"NodeID": "cd" * 28, "Alive": True, "NodeManagerAddress": "10.0.0.2", "Resources": {"M2": 1}},
]


class FakeController:
    """A controller of the release `release`, as far as the command calls it."""

    def __init__(self, release: str, nodes: list[dict[str, Any]] | None = None) -> None:
        self.release = release
        self.nodes = nodes or []
        self.calls: list[str] = []
        self.failures: list[Exception] = []
        self.passes_late = 0

    def report(self) -> dict[str, Any]:
        self.calls.append("report")
        if self.failures:
            raise self.failures.pop()
        return {"release": self.release, "nodes": self.nodes if self.calls.count("report") > self.passes_late else []}

    def resume(self) -> None:
        self.calls.append("resume")

    def retire(self) -> None:
        self.calls.append("retire")


class Supervisor:
    def stop(self) -> bool:
        return True


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    fake = FakeRay(table=TABLE)
    for module in (actors, cluster):
        monkeypatch.setattr(module, "ray", fake)
    return fake


def report() -> dict[str, Any] | None:
    clock = ManualClock()
    return cluster.report("en", clock.monotonic, clock.pass_)


def test_no_controller_is_no_report(ray: FakeRay) -> None:
    assert report() is None


def test_controller_that_does_not_reply_is_an_error(ray: FakeRay) -> None:
    ray.actors["keeper"] = FakeController("x")
    ray.silent.add("keeper")
    with pytest.raises(StartError, match="the controller on the head node does not reply: Get timed out"):
        report()


def test_report_waits_for_a_restart_of_the_controller_and_for_its_first_pass(ray: FakeRay) -> None:
    controller = ray.actors["keeper"] = FakeController("x", [{"node": "M1"}])
    controller.failures = [RayActorError(), RayActorError()]
    controller.passes_late = 5
    assert report() == {"release": "x", "nodes": [{"node": "M1"}]}
    assert controller.calls.count("report") == 6


def test_controller_that_never_gets_to_a_pass_is_an_error(ray: FakeRay) -> None:
    ray.actors["keeper"] = FakeController("x")
    with pytest.raises(StartError, match="started and has not checked the nodes yet"):
        report()


def test_first_order_starts_a_controller_on_the_head(ray: FakeRay) -> None:
    cluster.apply(SETTINGS, 30.0)
    name, options, arguments = ray.started[0]
    assert (name, arguments) == ("keeper", (SETTINGS, 30.0))
    assert options["scheduling_strategy"].node_id == "ab" * 28


def test_same_order_lets_the_controller_go_on(ray: FakeRay) -> None:
    controller = ray.actors["keeper"] = FakeController(SETTINGS.release)
    cluster.apply(SETTINGS, 30.0)
    assert controller.calls == ["report", "resume"]
    assert (ray.started, ray.killed) == ([], [])


@pytest.mark.parametrize("silent", [False, True])
def test_another_order_retires_the_controller_whatever_release_it_is_of(ray: FakeRay, silent: bool) -> None:
    """The name is that of all releases, so that an upgrade finds the controller of the one before."""
    ray.actors["keeper"] = FakeController("of an older release")
    if silent:
        ray.silent.add("keeper")
    cluster.apply(SETTINGS, 30.0)
    assert ray.killed == ["keeper"]
    assert [name for name, _, _ in ray.started] == ["keeper"]


def test_removal_ends_the_controller_and_every_monitor(ray: FakeRay) -> None:
    monitors = [MonitorActor(str(entry["NodeID"]), "r", 8000).name for entry in TABLE]
    ray.actors = {"keeper": FakeController("r"), **{name: Supervisor() for name in monitors}}
    ray.silent.add(monitors[1])
    assert cluster.remove(None) == (2, 0, ["M2 (10.0.0.2)"])
    assert ray.killed[0] == "keeper"
    assert sorted(ray.killed[1:]) == sorted(monitors)


def test_purge_tells_lost_nodes_and_nodes_that_did_not_confirm(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    lost = {"node": "M3", "ip": "10.0.0.3", "health": "lost"}
    ray.actors["keeper"] = FakeController("r", [lost, {"node": "M2", "ip": "10.0.0.2", "health": "healthy"}])
    purged: list[tuple[list[str], str]] = []

    def purge(nodes: list[Any], state_dir: str) -> list[Any]:
        purged.append(([node.name for node in nodes], state_dir))
        return [node for node in nodes if node.name == "M2"]

    monkeypatch.setattr(cluster, "purge", purge)
    assert cluster.remove("/var/x") == (0, 1, ["M2 (10.0.0.2)", "M3 (10.0.0.3)"])
    assert purged == [(["M1", "M2"], "/var/x")]
