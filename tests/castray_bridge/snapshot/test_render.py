"""The JSON of a snapshot, for HTTP and WebSocket."""

from __future__ import annotations

import gc
import json
import weakref
from typing import Any

import pytest

from castray_bridge.snapshot.render import pushed
from castray_bridge.sources import castray_nodes
from testkit.bridge_world import M1, World, good
from testkit.samples import sample


def shape(value: Any) -> Any:
    """Return the names and kinds of a reply; numbers are one kind, as in JSON."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return type(value).__name__
    return "list" if isinstance(value, list) else "number"


def test_every_field_of_the_old_castray_is_there_with_its_type(world: World) -> None:
    old, new = sample("castray_ray_dashboard"), world.get("/api/ray-dashboard")
    assert shape(new).items() >= {key: shape(old[key]) for key in ("result", "msg", "timestamp")}.items()
    assert new["data"].keys() >= old["data"].keys()
    for key in ("totalNodes", "aliveNodes", "deadNodes", "headNodes", "resources"):
        assert shape(new["data"]["summary"][key]) == shape(old["data"]["summary"][key])
    by_id = {node["nodeId"]: node for node in new["data"]["nodes"]}
    for entry in old["data"]["nodes"]:
        known = {key: kind for key, kind in shape(entry).items() if key != "workStatusTimestamp"}
        assert shape(by_id[entry["nodeId"]]).items() >= known.items()


def test_websocket_and_http_carry_the_same_objects(world: World) -> None:
    world.publish(M1, good())
    data = world.get("/api/ray-dashboard")["data"]
    assert json.loads(pushed(world.bridge.store.snapshot())) == {"nodes": data["nodes"], "summary": data["summary"]}
    assert data["nodes"] == world.get("/api/nodes/unified")["nodes"] == world.bridge.nodes()


def test_members_of_castrays_reply_beside_the_nodes_are_kept(world: World) -> None:
    old = sample("castray_ray_dashboard") | {"above": [1], "msg": "its own words"}
    old["data"]["nodes"][0]["tasks"] = ["their own"]
    world.source.cluster = castray_nodes.parse_castray_reply(old)
    world.bridge.poller.refresh()
    world.publish(M1, good())
    reply = world.get("/api/ray-dashboard")
    assert (reply["above"], reply["msg"], reply["result"]) == ([1], "its own words", True)
    assert (world.node("M1")["tasks"], world.node("M1")["currentTask"]) == (["their own"], "frame 7")
    world.source.failure = "CastRay answers 500"
    world.bridge.poller.refresh()
    reply = world.get("/api/ray-dashboard")
    assert (reply["above"], reply["msg"], reply["result"]) == ([1], "CastRay answers 500", False)


@pytest.mark.parametrize(
    "key", ["M2", "127.0.0.2", "85e5d2709b8b23a2943c09da3e9fb16b1b28f9508505d505f6d45d6a", "f6d45d6a"]
)
def test_node_is_found_by_name_address_and_id(world: World, key: str) -> None:
    assert world.get(f"/api/nodes/{key}/status")["name"] == "M2"


def test_viewers_of_a_snapshot_get_the_same_bytes_which_are_freed_with_it(world: World) -> None:
    snapshot = world.bridge.store.snapshot()
    assert pushed(snapshot) is pushed(snapshot)
    held = weakref.ref(snapshot)
    world.publish(M1, good())
    world.get("/api/ray-dashboard")
    del snapshot
    gc.collect()
    assert held() is None
