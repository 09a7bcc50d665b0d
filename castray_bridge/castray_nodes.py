"""Reads the reply of an existing CastRay into a `Cluster`: all that it says is kept, whatever it is."""

from __future__ import annotations

from typing import Any

from castray_bridge.cluster import Cluster, Node, SourceError
from castray_bridge.names import node_name
from castray_bridge.probe import is_ip_literal


def parse(reply: Any) -> Cluster:
    """Build the cluster from `GET /api/ray-dashboard`. Raises `SourceError`."""
    data = reply.get("data") if isinstance(reply, dict) and reply.get("result") is True else None
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        raise SourceError("CastRay's reply holds no node list")
    entries = data["nodes"]
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise SourceError("CastRay's node list is empty or damaged")
    rest = {key: value for key, value in data.items() if key != "nodes"}
    nodes = (_node(entry) for entry in entries)
    return Cluster(tuple(node for node in nodes if node is not None), rest)


def _node(entry: dict[str, Any]) -> Node | None:
    ip = entry.get("nodeIp")
    if not isinstance(ip, str) or not is_ip_literal(ip):
        return None
    # The old CastRay called nodes "node:ADDRESS"; what is left of that is no name.
    given = str(entry.get("name") or "").removeprefix("node:")
    name = node_name({}, [given] if given != ip else [], "", ip)
    fields = entry | {"name": name, "fullName": f"{name} ({ip})"}
    return Node(str(entry.get("nodeId") or entry.get("id") or ip), ip, name, entry.get("state") == "ALIVE", fields)
