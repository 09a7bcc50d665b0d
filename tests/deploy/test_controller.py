"""The controller's passes over a fake fleet."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from deploy.actors import MonitorActor
from deploy.check import FAILING, HEALTHY, STARTING, Check
from deploy.controller import Controller
from deploy.nodes import RayNode
from deploy.rollout import DONE, HALTED
from deploy.settings import Settings
from testkit.net import wait_for

SETTINGS = Settings(8000, "all", "/var", 60.0, "info", "2.0.0", "abc")
OLD = "0ld"


class FakeFleet:
    """Nodes and monitors that start and stop at once; a monitor of a node in `broken` never becomes healthy."""

    def __init__(self, *addresses: int) -> None:
        self.addresses = list(addresses)
        self.running: set[MonitorActor] = set()
        self.broken: set[str] = set()
        self.failures = 0
        self.most_missing = 0
        self.lock = threading.Lock()

    def node_table(self) -> list[dict[str, Any]]:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("GCS is not there")
        return [
            {"NodeID": f"id{one}", "Alive": True, "NodeManagerAddress": f"10.0.0.{one}", "Resources": {f"M{one}": 1}}
            for one in self.addresses
        ]

    def monitors(self) -> list[MonitorActor]:
        return sorted(self.running)

    def start_monitor(self, node: RayNode, settings: Settings) -> None:
        self.running.add(MonitorActor(node.node_id, settings.release, settings.port))

    def stop_monitors(self, actors: Collection[MonitorActor], within: float = 1.0) -> list[MonitorActor]:
        self.running -= set(actors)
        self.most_missing = max(self.most_missing, len(self.addresses) - len(self.running))
        return []

    def check_all(self, nodes: Sequence[RayNode], actors: Mapping[str, MonitorActor]) -> list[Check]:
        return [self._check(node, actors.get(node.node_id)) for node in nodes]

    def _check(self, node: RayNode, actor: MonitorActor | None) -> Check:
        if actor is None:
            return Check(STARTING)
        if node.name in self.broken and actor.release == SETTINGS.release:
            return Check(FAILING, "the port is taken")
        return Check(HEALTHY, "", "2.0.0" if actor.release == SETTINGS.release else "1.0.0", 1.0)


def with_old_monitors(*addresses: int) -> FakeFleet:
    fleet = FakeFleet(*addresses)
    fleet.running = {MonitorActor(f"id{one}", OLD, 8000) for one in addresses}
    return fleet


def in_phase(controller: Controller, phase: str, nodes: int) -> dict[str, Any]:
    def reached() -> dict[str, Any] | None:
        report = controller.report()
        return report if report["phase"] == phase and len(report["nodes"]) == nodes else None

    return wait_for(reached, phase)


def releases(fleet: FakeFleet) -> list[str]:
    return [actor.release for actor in sorted(fleet.running)]


def start(fleet: FakeFleet, timeout: float = 60.0) -> Controller:
    return Controller(SETTINGS, timeout, fleet, fleet)


def test_every_node_gets_a_monitor_and_a_later_one_too() -> None:
    fleet = FakeFleet(1, 2)
    controller = start(fleet)
    in_phase(controller, DONE, 2)
    fleet.addresses.append(3)
    controller.resume()
    report = in_phase(controller, DONE, 3)
    assert [row["node"] for row in report["nodes"]] == ["M1", "M2", "M3"]
    assert releases(fleet) == [SETTINGS.release] * 3
    controller.retire()


def test_outdated_monitors_are_replaced_one_at_a_time() -> None:
    fleet = with_old_monitors(1, 2, 3)
    controller = start(fleet)
    report = in_phase(controller, DONE, 3)
    assert [row["version"] for row in report["nodes"]] == ["2.0.0"] * 3
    assert fleet.most_missing == 1
    controller.retire()


def test_rollout_stops_at_a_monitor_that_stays_unhealthy_and_goes_on_when_told() -> None:
    fleet = with_old_monitors(1, 2, 3)
    fleet.broken.add("M2")
    controller = start(fleet, timeout=0.2)
    report = in_phase(controller, HALTED, 3)
    assert report["reason"] == "M2 (10.0.0.2): the port is taken"
    assert releases(fleet) == [SETTINGS.release, SETTINGS.release, OLD]
    fleet.broken.clear()
    controller.resume()
    in_phase(controller, DONE, 3)
    assert releases(fleet) == [SETTINGS.release] * 3
    controller.retire()


def test_actors_of_dead_nodes_and_second_actors_of_a_node_are_ended() -> None:
    fleet = with_old_monitors(1, 9)
    fleet.addresses.remove(9)
    fleet.running.add(MonitorActor("id1", SETTINGS.release, 8000))
    controller = start(fleet)
    in_phase(controller, DONE, 1)
    assert releases(fleet) == [SETTINGS.release]
    controller.retire()


def test_pass_that_fails_is_followed_by_another() -> None:
    fleet = FakeFleet(1)
    fleet.failures = 2
    controller = start(fleet)
    in_phase(controller, DONE, 1)
    controller.retire()


def test_retired_controller_starts_nothing() -> None:
    fleet = FakeFleet(1)
    controller = start(fleet)
    in_phase(controller, DONE, 1)
    controller.retire()
    fleet.addresses.append(2)
    controller.resume()
    thread = next((one for one in threading.enumerate() if one.name == "controller" and one.is_alive()), None)
    if thread:
        thread.join(5)
    assert len(fleet.running) == 1
