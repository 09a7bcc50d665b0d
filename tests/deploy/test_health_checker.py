"""Checks of all nodes, with supervisors on a fake Ray and fake monitors."""

from __future__ import annotations

from typing import Any

import pytest

from deploy import health_checker
from deploy.actors import MonitorActor
from deploy.check import FAILING, HEALTHY, STARTING, UNREACHABLE, HealthReply
from deploy.health_checker import HealthChecker
from deploy.nodes import RayNode
from servicekit.http_reply import ProbeError
from testkit.fake_ray_actors import FakeRay

NODES = [RayNode(f"id{number}", f"10.0.0.{number}", f"M{number}", number == 1) for number in range(1, 4)]
ACTORS = {node.node_id: MonitorActor(node.node_id, "release", 8000) for node in NODES}


class Supervisor:
    def __init__(self) -> None:
        self.calls = 0

    def status(self) -> dict[str, Any]:
        self.calls += 1
        return {"pid": 1, "running_seconds": 10.0, "error": ""}


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> FakeRay:
    """Three supervisors whose monitors are healthy."""
    fake = FakeRay({actor.name: Supervisor() for actor in ACTORS.values()})
    monkeypatch.setattr(health_checker, "ray", fake)
    monkeypatch.setattr(health_checker, "read_health", lambda ip, port, timeout: HealthReply("", "1.0.0", 5.0))
    return fake


def healths(checker: HealthChecker, actors: dict[str, MonitorActor] = ACTORS) -> list[str]:
    return [check.health for check in checker.check_all(NODES, actors)]


def test_reply_and_status_together_are_the_health(ray: FakeRay) -> None:
    assert healths(HealthChecker()) == [HEALTHY] * 3


def test_node_without_an_actor_is_starting(ray: FakeRay) -> None:
    assert healths(HealthChecker(), {key: ACTORS[key] for key in ("id1", "id3")}) == [HEALTHY, STARTING, HEALTHY]


def test_monitor_that_gives_no_reply_is_told_by_the_reason(ray: FakeRay, monkeypatch: pytest.MonkeyPatch) -> None:
    def read(ip: str, port: int, timeout: float) -> HealthReply:
        raise ProbeError("timeout")

    monkeypatch.setattr(health_checker, "read_health", read)
    ray.silent.add(ACTORS["id3"].name)
    assert healths(HealthChecker()) == [FAILING, FAILING, UNREACHABLE]


def test_silent_supervisor_is_called_once_until_it_answers(ray: FakeRay) -> None:
    silent = ACTORS["id2"].name
    ray.silent.add(silent)
    checker = HealthChecker()
    references = []
    for _ in range(3):
        assert healths(checker) == [HEALTHY, STARTING, HEALTHY]
        references.append(checker._calls[ACTORS["id2"]])
    assert len(set(map(id, references))) == 1


def test_actor_that_is_gone_since_it_was_listed_is_starting(ray: FakeRay) -> None:
    del ray.actors[ACTORS["id1"].name]
    assert healths(HealthChecker()) == [STARTING, HEALTHY, HEALTHY]
