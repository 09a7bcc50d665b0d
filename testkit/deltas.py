"""A client of `castray.delta.v1` in a few lines, as docs/api.md describes it."""

from __future__ import annotations

from typing import Any

Nodes = list[dict[str, Any]]


def apply(nodes: Nodes, data: dict[str, Any]) -> Nodes:
    """Return the list that the `data` of a delta makes of `nodes`."""
    kept = {node["nodeId"]: node for node in nodes}
    for node_id in data.get("gone", ()):
        del kept[node_id]
    for node in data["nodes"]:
        members = {name: value for name, value in node.items() if name != "whole"}
        kept[node["nodeId"]] = members if node.get("whole") else kept[node["nodeId"]] | members
    return list(kept.values())


class DeltaClient:
    """Takes the messages of one connection in turn. Raises `AssertionError` at a gap."""

    def __init__(self) -> None:
        self.nodes: Nodes = []
        self.summary: dict[str, Any] = {}
        self.seq = -1

    def take(self, message: dict[str, Any]) -> None:
        """Take over a message."""
        assert message["seq"] == self.seq + 1, f"{message['seq']} follows {self.seq}"
        self.seq, data = message["seq"], message["data"]
        self.nodes = data["nodes"] if message["type"] == "cluster_status" else apply(self.nodes, data)
        self.summary = data.get("summary", self.summary)

    def node(self, name: str) -> dict[str, Any]:
        """Return the object of the node `name`."""
        return next(node for node in self.nodes if node["name"] == name)
