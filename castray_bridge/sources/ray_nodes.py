"""Parser of the replies of Ray's dashboard API (Ray 2.9 to 2.60) into a `Cluster`; no network access."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from castray_bridge.sources import json_access
from castray_bridge.sources.cluster import Cluster, Node, SourceError
from castray_bridge.sources.identity import ListedNode, resolve_nodes
from castray_bridge.sources.ray_summary import gib, summary
from servicekit.node_names import Unnamed, candidates, safe_address
from servicekit.text import one_line


class NodeFacts(NamedTuple):
    """What only the summary of usage tells about a node: host name, and start in Unix seconds.

    The start is None before the first report of the node, and 0 for some dead ones.
    """

    host_name: str
    started_at: float | None


def parse_ray_cluster(
    nodes: Any, usage: Any, status: Any, dashboard_url: str, known: Mapping[str, NodeFacts] | None = None
) -> Cluster:
    """Build the cluster from `/api/v0/nodes`, `/nodes?view=summary` and `/api/cluster_status`.

    The last two may be None when Ray did not deliver them: their figures are then 0. `known` are the facts by node id
    that earlier replies told; they hold where `usage` does not tell them. Raises `SourceError` when the list itself
    is malformed or incomplete.
    """
    result = _result(nodes)
    rows = {json_access.text(row, "raylet", "nodeId"): row for row in _usage_rows(usage)}
    facts = {**(known or {}), **node_facts(usage)}
    ids = [json_access.text(entry, "node_id") for entry in result["result"]]
    entries = [
        _RayEntry(entry, rows.get(node_id), facts.get(node_id, NodeFacts("", None)))
        for entry, node_id in zip(result["result"], ids, strict=True)
    ]
    resolved = resolve_nodes([entry.listed() for entry in entries])
    parsed = tuple(_node(entry, *found) for entry, found in zip(entries, resolved, strict=True))
    return Cluster(
        parsed,
        {
            "summary": summary(
                parsed,
                [node.resources for node, found in zip(entries, resolved, strict=True) if found.is_alive],
                json_access.at(status, "data", "clusterStatus", "loadMetricsReport", "usage"),
            ),
            "result": result,
            "dashboardUrl": dashboard_url,
        },
    )


def node_facts(usage: Any) -> dict[str, NodeFacts]:
    """Return the facts by node id that `/nodes?view=summary` tells."""
    return {
        json_access.text(row, "raylet", "nodeId"): NodeFacts(
            json_access.text(row, "hostname"), _start(json_access.at(row, "raylet", "startTimeMs"))
        )
        for row in _usage_rows(usage)
    }


def _start(milliseconds: Any) -> float | None:
    return None if milliseconds is None else json_access.unix_seconds(milliseconds)


class _RayEntry(NamedTuple):
    """One entry of Ray's list, with the same node's row in the summary of usage."""

    raw: dict[str, Any]
    usage: dict[str, Any] | None
    facts: NodeFacts

    @property
    def resources(self) -> dict[str, Any]:
        return json_access.mapping(self.raw.get("resources_total"))

    def listed(self) -> ListedNode:
        labels = json_access.mapping(self.raw.get("labels"))
        names = candidates(labels, self.resources, json_access.text(self.raw, "node_name"), self.facts.host_name)
        is_alive = self.raw.get("state") == "ALIVE"
        return ListedNode(Unnamed(self.raw["node_ip"], names, is_alive), self._started_at())

    def _started_at(self) -> float:
        """Return when the node started, in Unix seconds; infinity before its first report, because it is new then."""
        start = json_access.unix_seconds(self.raw.get("start_time_ms")) or self.facts.started_at
        return math.inf if start is None else start

    def ended_at(self) -> float | None:
        """Return when the node died, in Unix seconds; None if unknown. Only Ray's detailed list has it itself."""
        end = self.raw.get("end_time_ms") or json_access.at(self.usage, "raylet", "endTimeMs")
        return json_access.unix_seconds(end) or None


def _result(reply: Any) -> dict[str, Any]:
    result = json_access.at(reply, "data", "result")
    if not isinstance(result, dict) or not isinstance(result.get("result"), list):
        raise SourceError("Ray's reply holds no node list")
    entries = result["result"]
    if not all(isinstance(entry, dict) and isinstance(entry.get("node_ip"), str) for entry in entries):
        raise SourceError("Ray's node list has entries without an address")
    total = result.get("total")
    if not entries or (isinstance(total, int) and total > len(entries)):
        raise SourceError(f"Ray sent {len(entries)} of {total} nodes")
    return result


def _usage_rows(usage: Any) -> list[dict[str, Any]]:
    return json_access.rows(json_access.at(usage, "data", "summary"))


def _node(entry: _RayEntry, name: str, alive: bool) -> Node:
    raw, resources = entry.raw, entry.resources
    node_id, ip = json_access.text(raw, "node_id"), raw["node_ip"]
    shown_ip = safe_address(ip)
    fields = {
        "id": node_id[-8:],
        "name": name,
        "fullName": f"{name} ({shown_ip})",
        "nodeIp": shown_ip,
        "nodeId": node_id,
        "state": "ALIVE" if alive else "DEAD",
        "isHeadNode": raw.get("is_head_node") is True,
        **_load(entry.usage if alive else None),
        "status": "active" if alive else "dead",
        "stateMessage": _message(raw.get("state_message")),
        "connectionType": _connection(resources),
        "resources": {
            "totalCpu": json_access.number(resources.get("CPU")),
            "totalMemory": gib(resources.get("memory")),
            "totalGpu": json_access.number(resources.get("GPU")),
            "objectStore": gib(resources.get("object_store_memory")),
        },
    }
    return Node(node_id, ip, name, alive, fields, None if alive else entry.ended_at())


def _load(usage: dict[str, Any] | None) -> dict[str, Any]:
    cpu = json_access.at(usage, "cpu")
    # [total, available, percent used, used]
    memory = (*json_access.items(json_access.at(usage, "mem")), None, None, None)[2]
    loads = [gpu.get("utilizationGpu") for gpu in json_access.rows(json_access.at(usage, "gpus"))]
    gpus = [json_access.number(load) for load in loads if json_access.is_number(load)]
    return {
        "cpu": round(json_access.number(cpu), 1),
        "memory": round(json_access.number(memory), 1),
        "gpu": round(sum(gpus) / len(gpus), 1) if gpus else 0,
        "gpuKnown": bool(gpus),
        "usageKnown": json_access.is_number(cpu) and json_access.is_number(memory),
    }


def _connection(resources: Mapping[str, Any]) -> str:
    for resource, shown in (("Wired", "wired"), ("Wireless", "wireless")):
        if resource in resources:
            return shown
    return "unknown"


def _message(value: Any) -> str | None:
    return one_line(value) if isinstance(value, str) else None
