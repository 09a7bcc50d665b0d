"""What one snapshot changes of another."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from castray_bridge.snapshot.delta import delta
from castray_bridge.snapshot.store import Snapshot
from castray_bridge.sources.cluster import Cluster, Node
from servicekit.address import Address
from testkit.bridge_world import M1, World, good
from testkit.deltas import apply
from testkit.per_state import count_per_state
from testkit.sources import node


def between(before: Snapshot, after: Snapshot) -> dict[str, Any]:
    text = delta(before, after)
    assert text is not None
    found: dict[str, Any] = json.loads(text)
    return found


def named(*names: str, **fields: Any) -> tuple[Node, ...]:
    return tuple(node(name, f"10.0.0.{name[1:]}", nodeId=f"id-{name}", **fields) for name in names)


def show(world: World, nodes: tuple[Node, ...]) -> Snapshot:
    world.source.cluster = Cluster(nodes)
    world.bridge.poller.refresh()
    return world.bridge.store.snapshot()


def test_members_that_changed_stand_beside_the_nodes_id(world: World) -> None:
    world.publish(M1, good(status="idle", latest_state={"current_task": ""}))
    before = world.bridge.store.snapshot()
    world.publish(M1, good(status="idle", latest_state={"current_task": "frame 8"}))
    (changed,) = between(before, world.bridge.store.snapshot())["nodes"]
    assert changed == {"nodeId": world.node("M1")["nodeId"], "currentTask": "frame 8"}


def test_summary_is_there_when_it_changed(world: World) -> None:
    world.publish(M1, good(status="idle"))
    before = world.bridge.store.snapshot()
    world.publish(M1, good(status="sending"))
    found = between(before, world.bridge.store.snapshot())
    assert found["summary"]["workStatus"] == count_per_state(unknown=2, sending=1)
    world.publish(M1, good(status="sending", stats={"sent_to_server": 99}))
    found = between(world.bridge.store.snapshot(), world.bridge.store.snapshot())
    assert found == {"nodes": []}


def test_new_node_and_one_that_lost_a_member_come_whole_and_gone_ones_by_id(world: World) -> None:
    before = show(world, named("M1", "M2", "M3", extra=1))
    nodes = (*named("M4", extra=1), *named("M3"), *named("M1", extra=None))
    after = show(world, nodes)
    found = between(before, after)
    whole = {row.fields["nodeId"]: row.fields | {"whole": True} for row in after.rows}
    assert found["nodes"] == [whole["id-M4"], whole["id-M3"], {"nodeId": "id-M1", "extra": None}]
    assert found["gone"] == ["id-M2"]


def test_true_is_another_value_than_1(world: World) -> None:
    before, after = show(world, named("M1", extra=1)), show(world, named("M1", extra=True))
    # Python calls them equal, so the list is not a new one until something else changes.
    assert after is before
    after = show(world, named("M1", extra=True, other=0))
    assert between(before, after)["nodes"] == [{"nodeId": "id-M1", "extra": True, "other": 0}]


def test_list_without_unique_ids_has_no_deltas(world: World) -> None:
    before = world.bridge.store.snapshot()
    without = show(world, (node("M1", "10.0.0.1"),))
    assert delta(before, without) is None
    assert delta(without, without) is None


@pytest.mark.parametrize("seed", range(5))
def test_list_kept_by_deltas_is_the_bridges_list_whatever_happens(seed: int) -> None:
    """Some versions are left out, as for a slow reader."""
    chosen, world = random.Random(seed), World()
    names = [f"M{n}" for n in range(1, 9)]
    sent = show(world, named(*names))
    kept = [row.fields for row in sent.rows]
    for step in range(200):
        if chosen.random() < 0.1:
            listed = chosen.sample(names, chosen.randint(1, 8))
            show(world, tuple(named(name, **{"cpu": step} if chosen.random() < 0.5 else {})[0] for name in listed))
        state = chosen.choice(["idle", "detecting", "sending"])
        ip = f"10.0.0.{chosen.randint(1, 8)}"
        world.publish(Address(ip, 8000), good(status=state, latest_state={"current_task": str(step)}))
        if chosen.random() < 0.5:
            snapshot = world.bridge.store.snapshot()
            kept = apply(kept, between(sent, snapshot))
            assert sorted(kept, key=by_id) == sorted((row.fields for row in snapshot.rows), key=by_id)
            sent = snapshot


def by_id(fields: dict[str, Any]) -> str:
    return str(fields["nodeId"])
