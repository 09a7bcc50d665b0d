"""The poller of the source: failures, recovery, liveness."""

from __future__ import annotations

import time
from collections.abc import Mapping

import pytest

from castray_bridge.bridge import Bridge
from castray_bridge.sources.cluster import Cluster
from castray_bridge.sources.source import RaySource
from servicekit.address import Address
from testkit.bridge_world import World
from testkit.hostile import DRIPS, serving
from testkit.net import wait_for
from testkit.sources import node


def test_bridge_closes_while_a_request_to_its_source_hangs() -> None:
    with serving(DRIPS["header lines"]) as server:
        bridge = Bridge(RaySource(f"http://{server.address}"))
        bridge.start()
        wait_for(lambda: server.requests, "a request")
        begun = time.monotonic()
        bridge.close()
        assert time.monotonic() - begun < 1.5
    assert bridge.poller.failure is not None


def test_order_of_the_list_makes_no_difference_to_the_targets(world: World) -> None:
    nodes = (node("M1", "10.0.0.1"), node("M2", "10.0.0.1"))
    orders: list[Mapping[Address, str]] = []
    world.bridge._status_provider.set_targets = orders.append  # type: ignore[method-assign]
    for cluster in (Cluster(nodes), Cluster(nodes[::-1]), Cluster(nodes[:1])):
        world.source.cluster = cluster
        world.bridge.poller.refresh()
    assert orders[0] == orders[1] != orders[2]


def test_failing_ray_is_logged_once_per_change(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for failure in ("a", "a", "a", "b", None, None):
        world.source.failure = failure
        world.bridge.poller.refresh()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ["source_failed reason=a", "source_failed reason=b", "source_answers nodes=4"]


def test_unexpected_error_with_a_list_is_a_failure_and_does_not_end_the_thread(world: World) -> None:
    end = world.bridge.store.subscribe(lambda: 1 // 0)
    world.source.cluster = Cluster((node("M1", "10.0.0.1"),))
    world.bridge.poller.refresh()
    assert "ZeroDivisionError" in str(world.bridge.poller.failure)
    end()


def test_unexpected_error_of_the_source_does_not_end_the_thread(world: World) -> None:
    world.source.fetch = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value] # that is the fault
    world.bridge.poller.refresh()
    assert "ZeroDivisionError" in str(world.bridge.poller.failure)
