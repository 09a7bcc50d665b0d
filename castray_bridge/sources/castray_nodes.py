"""Parser of an existing CastRay's reply into a `Cluster`; fields that it does not know pass through."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from castray_bridge.sources import json_access
from castray_bridge.sources.cluster import Cluster, Node, SourceError
from castray_bridge.sources.identity import ListedNode, resolve_nodes
from servicekit.node_names import Unnamed, candidates, safe_address

_FIGURES: Final = ("cpu", "memory", "gpu")
_TOTALS: Final = ("totalCpu", "totalMemory", "totalGpu", "objectStore")


def parse_castray_reply(reply: Any) -> Cluster:
    """Build the cluster from `GET /api/ray-dashboard`. Raises `SourceError`."""
    data = reply.get("data") if isinstance(reply, dict) and reply.get("result") is True else None
    if not isinstance(data, dict) or not isinstance(data.get("nodes"), list):
        raise SourceError("CastRay's reply holds no node list")
    entries = data["nodes"]
    if not entries or not all(isinstance(entry, dict) for entry in entries):
        raise SourceError("CastRay's node list is empty or damaged")
    return Cluster(
        _nodes(entries, json_access.rows(json_access.at(data, "result", "result"))),
        {key: value for key, value in data.items() if key != "nodes"},
        {key: value for key, value in reply.items() if key != "data"},
    )


class _CastRayEntry(NamedTuple):
    """One node object, with the entry of the same node in Ray's list, which CastRay passes on."""

    raw: dict[str, Any]
    ray: dict[str, Any]

    def listed(self) -> ListedNode:
        ip, given = json_access.text(self.raw, "nodeIp"), json_access.text(self.raw, "name")
        # The old CastRay takes the first resource as the name, which can be "node:ADDRESS".
        _, own, *_ = candidates({}, [given] if given != ip else [], "", "")
        labels, resources = (json_access.mapping(self.ray.get(key)) for key in ("labels", "resources_total"))
        is_alive = str(self.raw.get("state")).upper() != "DEAD"
        tiers = candidates(labels, resources, json_access.text(self.ray, "node_name"), "")
        unnamed = Unnamed(ip, (own, *tiers), is_alive)
        return ListedNode(unnamed, json_access.unix_seconds(self.ray.get("start_time_ms")))


def _nodes(objects: list[dict[str, Any]], ray_entries: list[dict[str, Any]]) -> tuple[Node, ...]:
    by_id = {json_access.text(entry, "node_id"): entry for entry in ray_entries}
    entries = [_CastRayEntry(raw, by_id.get(json_access.text(raw, "nodeId"), {})) for raw in objects]
    resolved = resolve_nodes([entry.listed() for entry in entries])
    return tuple(_node(entry, *found) for entry, found in zip(entries, resolved, strict=True))


def _node(entry: _CastRayEntry, name: str, alive: bool) -> Node:
    """Return the node with CastRay's own fields; those that every viewer relies on are made valid."""
    raw, ip = entry.raw, json_access.text(entry.raw, "nodeIp")
    resources, state = json_access.mapping(raw.get("resources")), json_access.text(raw, "state") or "ALIVE"
    fields = {
        "usageKnown": all(json_access.is_number(raw.get(key)) for key in _FIGURES),
        # CastRay itself gives 0 for a GPU without a figure.
        "gpuKnown": json_access.number(raw.get("gpu")) > 0,
        **raw,
        "name": name,
        "fullName": f"{name} ({safe_address(ip)})",
        "state": state if alive else "DEAD",
        **{key: json_access.number(raw.get(key)) for key in _FIGURES},
        "resources": resources | {key: json_access.number(resources.get(key)) for key in _TOTALS},
    }
    ended_at = None if alive else json_access.unix_seconds(entry.ray.get("end_time_ms")) or None
    return Node(json_access.text(raw, "nodeId") or json_access.text(raw, "id"), ip, name, alive, fields, ended_at)
