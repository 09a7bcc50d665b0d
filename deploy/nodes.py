"""Ray's node table, reduced to what the deployment needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from servicekit.node_names import Unnamed, candidates, name_nodes

_HEAD: Final = "node:__internal_head__"
"""The resource that Ray gives its head node."""


class RayNode(NamedTuple):
    """One node; `node_id` is Ray's, and new whenever the node starts again."""

    node_id: str
    ip: str
    name: str
    is_head: bool


def living_nodes(entries: Iterable[Mapping[str, Any]]) -> list[RayNode]:
    """Return the living nodes of `ray.nodes()` under the names that the bridge gives them, in natural order."""
    return named_nodes(entry for entry in entries if entry.get("Alive"))


def named_nodes(entries: Iterable[Mapping[str, Any]]) -> list[RayNode]:
    """Return all nodes of `ray.nodes()` in natural order; of dead ones Ray may have forgotten the resources."""
    known = list(entries)
    names = name_nodes([_unnamed(entry) for entry in known])
    return sorted((_node(entry, names[index]) for index, entry in enumerate(known)), key=natural_order)


def natural_order(node: RayNode) -> tuple[list[tuple[int, str]], str]:
    """Sort key by which M2 comes before M10."""
    parts = re.findall(r"\d+|\D+", node.name)
    return [(int(part) if part.isdecimal() else -1, part) for part in parts], node.ip


def _unnamed(entry: Mapping[str, Any]) -> Unnamed:
    names = (str(entry.get(key) or "") for key in ("NodeName", "NodeManagerHostname"))
    tiers = candidates(entry.get("Labels") or {}, _resources(entry), *names)
    return Unnamed(str(entry["NodeManagerAddress"]), tiers, bool(entry.get("Alive")))


def _node(entry: Mapping[str, Any], name: str) -> RayNode:
    return RayNode(str(entry["NodeID"]), str(entry["NodeManagerAddress"]), name, _HEAD in _resources(entry))


def _resources(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return entry.get("Resources") or {}
