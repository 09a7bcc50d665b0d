"""Actors of a deployment, on a fake Ray."""

from __future__ import annotations

import pytest

from deploy import actors
from deploy.actors import MonitorActor, detached, monitors, start_monitor, stop_monitors
from deploy.nodes import RayNode
from deploy.settings import Settings
from testkit.fake_ray_actors import FakeRay

SETTINGS = Settings(8000, "all", "/var", 60.0, "info", "1.0.0", "abc")


class Supervisor:
    def __init__(self, confirms: bool = True) -> None:
        self._confirms = confirms
        self.stopped = False

    def stop(self) -> bool:
        self.stopped = True
        return self._confirms


def fake(monkeypatch: pytest.MonkeyPatch, **named: object) -> FakeRay:
    ray = FakeRay({name.replace("__", "/"): actor for name, actor in named.items()})
    monkeypatch.setattr(actors, "ray", ray)
    return ray


def test_monitors_are_found_by_their_names_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    actor = MonitorActor("id1", "0123abcd", 8000)
    ray = fake(monkeypatch, keeper=object())
    ray.actors[actor.name] = Supervisor()
    assert monitors() == [actor]


def test_controller_keeps_the_name_under_which_older_releases_run_it() -> None:
    assert actors.CONTROLLER == "keeper"
    assert actors.NAMESPACE == "cmzsb"


def test_actor_is_pinned_to_its_node_and_takes_no_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = fake(monkeypatch)
    start_monitor(RayNode("ab" * 28, "10.0.0.1", "M1", False), SETTINGS)
    name, options, arguments = ray.started[0]
    assert name == f"monitor/{'ab' * 28}/{SETTINGS.release}/8000"
    assert arguments == (SETTINGS, "M1", "10.0.0.1")
    assert (options["num_cpus"], options["lifetime"], options["max_restarts"]) == (0, "detached", -1)
    assert options["scheduling_strategy"].node_id == "ab" * 28
    assert not options["scheduling_strategy"].soft
    assert detached("keeper", None)["scheduling_strategy"] is None


def test_stop_names_the_monitors_that_did_not_confirm_it(monkeypatch: pytest.MonkeyPatch) -> None:
    every = [MonitorActor(f"id{number}", "r", 8000) for number in range(4)]
    ray = fake(monkeypatch)
    ray.actors = {
        every[0].name: Supervisor(),
        every[1].name: Supervisor(confirms=False),
        every[2].name: Supervisor(),
    }
    ray.silent.add(every[2].name)
    well_behaved = ray.actors[every[0].name]
    assert stop_monitors(every) == [every[1], every[2]]
    assert well_behaved.stopped
    assert sorted(ray.killed) == sorted(actor.name for actor in every[:3])
