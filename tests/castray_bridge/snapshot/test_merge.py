"""The work status in CastRay's node objects."""

from __future__ import annotations

import pytest

from castray_bridge.probes.status import failed
from castray_bridge.snapshot.merge import node_object
from servicekit.address import Address
from testkit.bridge_world import M1, World, good
from testkit.hostile import STATUS
from testkit.per_state import count_per_state
from testkit.sources import node


def test_answer_of_a_node_is_shown(world: World) -> None:
    world.publish(M1, good())
    node = world.node("M1")
    assert (node["workStatus"], node["workStatusReachable"], node["workStatusError"]) == ("detecting", True, None)
    assert (node["workStatusTimestamp"], node["workStatusStale"]) == (STATUS["timestamp"], False)
    assert (node["currentTask"], node["tasks"]) == ("frame 7", ["frame 7"])
    assert node["inference"] == {"totalProcessed": 3, "lowConfidence": 2, "sentToServer": 1}
    counts = world.get("/api/ray-dashboard")["data"]["summary"]["workStatus"]
    assert counts == count_per_state(unknown=2, detecting=1)


@pytest.mark.parametrize("shown", ["idle", "unknown"])
def test_unreachable_node_is_shown_as_configured_with_its_reason(shown: str) -> None:
    world = World(unreachable_as=shown)
    world.publish(M1, good())
    world.publish(M1, failed(good(), "timeout"))
    node = world.node("M1")
    assert (node["workStatus"], node["workStatusReachable"], node["workStatusError"]) == (shown, False, "timeout")
    assert node["inference"]["totalProcessed"] == 3
    assert world.get("/api/ray-dashboard")["data"]["summary"]["workStatus"]["unknown"] == 3


@pytest.mark.parametrize(
    ("ray_knows", "board", "shown"),
    [(False, 37.4, (37, True)), (False, None, (0, False)), (False, 101, (0, False)), (True, 37, (12.5, True))],
)
def test_gpu_load_is_the_monitors_where_the_source_has_none(
    ray_knows: bool, board: float | None, shown: tuple[float, bool]
) -> None:
    fields = {"gpu": 12.5 if ray_knows else 0, "gpuKnown": ray_knows}
    found = node_object(node("M1", "10.0.0.1", **fields), good(board={"gpu": board}), "idle")
    assert (found["gpu"], found["gpuKnown"]) == shown


def test_gpu_load_of_a_monitor_that_no_longer_answers_is_unknown() -> None:
    before = good(board={"gpu": 37})
    found = node_object(node("M1", "10.0.0.1", gpu=0, gpuKnown=False), failed(before, "timeout"), "idle")
    assert (found["gpu"], found["gpuKnown"]) == (0, False)


def test_dead_twin_keeps_its_place_but_not_the_light(world: World) -> None:
    world.publish(Address("127.0.0.3", 8000), good(status="sending"))
    twins = [node for node in world.get("/api/nodes/unified")["nodes"] if node["name"] == "M3"]
    assert {node["state"]: node["workStatusReachable"] for node in twins} == {"ALIVE": True, "DEAD": False}
    assert world.get("/api/nodes/M3/status")["workStatus"] == "sending"
    assert world.get("/api/nodes/127.0.0.3/status")["state"] == "ALIVE"
