"""The snapshot store: what changes a snapshot, and what does not."""

from __future__ import annotations

from castray_bridge.sources.cluster import Cluster
from servicekit.address import Address
from servicekit.clock import rfc3339
from testkit.bridge_world import M1, World, good
from testkit.per_state import count_per_state
from testkit.sources import node


def test_timestamp_is_that_of_the_latest_data_though_nothing_changed(world: World) -> None:
    world.publish(M1, good())
    before = world.get("/api/ray-dashboard")
    world.clock.pass_(50)
    world.publish(M1, good())
    after = world.get("/api/ray-dashboard")
    assert after["data"] == before["data"]
    assert after["timestamp"] == rfc3339(world.clock.time()) > before["timestamp"]
    world.clock.pass_(7)
    assert world.get("/api/ray-dashboard") == after


def test_status_of_an_address_is_dropped_when_another_node_has_the_address(world: World) -> None:
    world.source.cluster = Cluster((node("M1", "10.0.0.1"), node("M2", "10.0.0.2")))
    world.bridge.poller.refresh()
    world.publish(Address("10.0.0.1", 8000), good(status="sending"))
    world.source.cluster = Cluster((node("M2", "10.0.0.1"),))
    world.bridge.poller.refresh()
    taken = world.node("M2")
    assert (taken["workStatusError"], taken["inference"]["totalProcessed"]) == ("pending", 0)
    # The same machine under a new id keeps its light.
    world.publish(Address("10.0.0.1", 8000), good(status="sending"))
    world.source.cluster = Cluster((node("M2", "10.0.0.1", node_id="new"),))
    world.bridge.poller.refresh()
    assert world.node("M2")["workStatus"] == "sending"


def test_nodes_without_ids_have_their_own_lights(world: World) -> None:
    world.source.cluster = Cluster(
        (
            node("M1", "10.0.0.1", node_id=""),
            node("M2", "10.0.0.2", node_id=""),
            node("M1", "10.0.0.1", node_id="", alive=False),
        )
    )
    world.bridge.poller.refresh()
    world.publish(Address("10.0.0.1", 8000), good(status="sending"))
    reply = world.get("/api/ray-dashboard")["data"]
    assert [shown["workStatusError"] for shown in reply["nodes"]] == [None, "pending", "dead"]
    assert reply["summary"]["workStatus"] == count_per_state(unknown=1, sending=1)


def test_living_node_without_an_address_is_unreachable_and_counted(world: World) -> None:
    world.source.cluster = Cluster((node("M1", "head.local"),))
    world.bridge.poller.refresh()
    reply = world.get("/api/ray-dashboard")["data"]
    assert [shown["workStatusError"] for shown in reply["nodes"]] == ["unreachable"]
    assert reply["summary"]["workStatus"]["unknown"] == 1


def test_list_that_grows_and_shrinks_is_shown_whole(world: World) -> None:
    for names in (["M1"], ["M1", "M2", "M3"], ["M3"]):
        world.source.cluster = Cluster(tuple(node(name, f"10.0.0.{name[1]}") for name in names))
        world.bridge.poller.refresh()
        assert [shown["name"] for shown in world.get("/api/nodes/unified")["nodes"]] == names


def test_only_changed_rows_are_rendered_again(world: World) -> None:
    before = world.bridge.store.snapshot()
    assert world.bridge.store.snapshot() is before
    world.publish(M1, good())
    after = world.bridge.store.snapshot()
    assert after.version > before.version
    assert [row is old for row, old in zip(after.rows, before.rows, strict=True)] == [False, True, True, True]
    world.publish(M1, good())
    assert world.bridge.store.snapshot() is after
