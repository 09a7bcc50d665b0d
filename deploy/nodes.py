"""Ray's node table as this command needs it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from castray_bridge.names import candidates, node_name, shared_names

_HEAD: Final = "node:__internal_head__"
"""The resource that Ray gives its head node."""


class RayNode(NamedTuple):
    """One living node; `node_id` is Ray's, and new whenever the node starts again."""

    node_id: str
    ip: str
    name: str
    is_head: bool


def living(entries: Iterable[Mapping[str, Any]]) -> list[RayNode]:
    """Return the living nodes of `ray.nodes()` under the names that the bridge gives them, in natural order."""
    alive = [entry for entry in entries if entry.get("Alive")]
    shared = shared_names((str(entry["NodeManagerAddress"]), _names(entry)) for entry in alive)
    return sorted((_node(entry, shared) for entry in alive), key=natural)


def natural(node: RayNode) -> tuple[list[tuple[int, str]], str]:
    """Sort key by which M2 comes before M10."""
    parts = re.findall(r"\d+|\D+", node.name)
    return [(int(part) if part.isdecimal() else -1, part) for part in parts], node.ip


def _node(entry: Mapping[str, Any], shared: frozenset[str]) -> RayNode:
    ip = str(entry["NodeManagerAddress"])
    return RayNode(str(entry["NodeID"]), ip, node_name(_names(entry), shared, ip), _HEAD in _resources(entry))


def _names(entry: Mapping[str, Any]) -> tuple[str, ...]:
    hostname = str(entry.get("NodeManagerHostname") or "")
    return candidates(entry.get("Labels") or {}, _resources(entry), hostname)


def _resources(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return entry.get("Resources") or {}
