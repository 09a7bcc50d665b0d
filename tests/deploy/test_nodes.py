"""Names and order of the nodes in Ray's node table."""

from __future__ import annotations

from typing import Any

from deploy.nodes import living_nodes, named_nodes


def entry(number: int, alive: bool = True, **more: Any) -> dict[str, Any]:
    address = f"10.0.0.{number}"
    return {"NodeID": f"id{number}", "Alive": alive, "NodeManagerAddress": address, "NodeManagerHostname": "h", **more}


def test_nodes_have_the_bridges_names_in_natural_order() -> None:
    nodes = living_nodes(
        [
            entry(1, Resources={"CPU": 1, "M10": 1, "camera": 1, "node:__internal_head__": 1}),
            entry(2, Resources={"CPU": 1, "M2": 1, "camera": 1}),
            entry(3, Labels={"cmzsb.node": "gate"}, Resources={"M3": 1}),
            entry(4, Resources={"camera": 1}),
            entry(5, alive=False, Resources={}),
            entry(6, Resources={"camera": 1}, NodeManagerHostname="board"),
        ]
    )
    assert sorted((node.name, node.is_head) for node in nodes) == [
        ("10.0.0.4", False), ("M10", True), ("M2", False), ("board", False), ("gate", False),
    ]  # fmt: skip
    names = [node.name for node in nodes]
    assert names.index("M2") < names.index("M10")


def test_dead_nodes_are_named_too_as_far_as_ray_knows() -> None:
    entries = [entry(1, Resources={"M1": 1}), entry(2, alive=False, Resources={}, Labels={"cmzsb.node": "M2"})]
    assert [node.name for node in named_nodes(entries)] == ["M1", "M2"]
    assert [node.name for node in living_nodes(entries)] == ["M1"]
