"""The reply of an existing CastRay, from a real sample to a `Cluster`."""

from __future__ import annotations

from typing import Any

import pytest

from castray_bridge.sources import castray_nodes
from castray_bridge.sources.cluster import SourceError
from testkit.samples import sample


def old_castray(**changed: Any) -> dict[str, Any]:
    """Return a reply of the old CastRay with members of its first node replaced."""
    reply: dict[str, Any] = sample("castray_ray_dashboard")
    reply["data"]["nodes"][0] |= changed
    return reply


def test_existing_castray_passes_through_with_nothing_lost() -> None:
    reply = old_castray(extra={"kept": [1]})
    reply["data"]["future"] = reply["above"] = True
    found = castray_nodes.parse_castray_reply(reply)
    assert found.data == {key: value for key, value in reply["data"].items() if key != "nodes"}
    assert found.envelope == {key: value for key, value in reply.items() if key != "data"}
    for node, original in zip(found.nodes, reply["data"]["nodes"], strict=True):
        assert node.fields.items() >= {key: value for key, value in original.items() if "ame" not in key}.items()


def test_nodes_of_an_existing_castray_have_the_names_that_its_ray_knows() -> None:
    found = castray_nodes.parse_castray_reply(old_castray()).nodes
    assert [(node.name, node.alive) for node in found] == [("M1", True), ("M3", True), ("M3", False), ("M2", True)]
    assert found[0].fields["fullName"] == "M1 (127.0.0.1)"


def test_name_that_castray_gives_comes_before_that_of_ray() -> None:
    assert castray_nodes.parse_castray_reply(old_castray(name="Gate 3")).nodes[0].name == "Gate3"


def test_figures_of_an_existing_castray_are_numbers_and_marked_where_it_had_none() -> None:
    resources = {"totalCpu": None, "totalMemory": "7", "extra": None}
    fields = castray_nodes.parse_castray_reply(old_castray(cpu=None, gpu="41", resources=resources)).nodes[0].fields
    assert (fields["cpu"], fields["memory"], fields["gpu"], fields["usageKnown"]) == (0, 96.6, 0, False)
    assert fields["resources"] == {
        "totalCpu": 0, "totalMemory": 0, "totalGpu": 0, "objectStore": 0, "extra": None,
    }  # fmt: skip
    assert castray_nodes.parse_castray_reply(old_castray()).nodes[0].fields["usageKnown"] is True


@pytest.mark.parametrize(
    ("state", "alive"), [("ALIVE", True), ("alive", True), (None, True), ("DEAD", False), ("dead", False)]
)
def test_node_of_an_existing_castray_lives_unless_it_is_called_dead(state: str | None, alive: bool) -> None:
    node = castray_nodes.parse_castray_reply(old_castray(state=state)).nodes[0]
    assert node.alive is alive
    assert node.fields["state"] == (state or "ALIVE" if alive else "DEAD")


def test_of_two_lives_of_one_machine_at_an_existing_castray_the_last_in_its_list_lives() -> None:
    reply = old_castray()
    reply["data"]["nodes"] = [reply["data"]["nodes"][0] | {"nodeId": node_id} for node_id in ("", "", "b")]
    found = castray_nodes.parse_castray_reply(reply).nodes
    assert [(node.alive, node.fields["state"]) for node in found] == [(False, "DEAD"), (False, "DEAD"), (True, "ALIVE")]


@pytest.mark.parametrize("ip", ["head.local", None, 7])
def test_node_of_an_existing_castray_without_an_address_is_shown(ip: Any) -> None:
    node = castray_nodes.parse_castray_reply(old_castray(nodeIp=ip)).nodes[0]
    assert (node.name, node.fields["nodeIp"]) == ("M1", ip)


@pytest.mark.parametrize(
    "reply", [None, [], {}, {"result": False, "data": {"nodes": []}}, {"result": True, "data": {"nodes": []}},
              {"result": True, "data": {"nodes": ["x"]}}]
)  # fmt: skip
def test_castray_without_a_list_is_an_error(reply: Any) -> None:
    with pytest.raises(SourceError):
        castray_nodes.parse_castray_reply(reply)
