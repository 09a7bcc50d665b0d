"""Parser of the replies of Ray's dashboard API (Ray 2.9 to 2.60) into a `Cluster`; no network access."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from castray_bridge.sources import json_access
from castray_bridge.sources.cluster import Cluster, Node, SourceError
from castray_bridge.sources.identity import ListedNode, resolve_nodes
from servicekit.node_names import Unnamed, candidates, safe_address
from servicekit.text import one_line

_GIB: Final = 1024**3


def parse_ray_cluster(
    nodes: Any, usage: Any, status: Any, dashboard_url: str, known_host_names: Mapping[str, str] | None = None
) -> Cluster:
    """Build the cluster from `/api/v0/nodes`, `/nodes?view=summary` and `/api/cluster_status`.

    The last two may be None when Ray did not deliver them: their figures are then 0, and host names (by node id) are
    those known before. Raises `SourceError` when the list itself is malformed or incomplete.
    """
    result = _result(nodes)
    rows = {json_access.text(row, "raylet", "nodeId"): row for row in _usage_rows(usage)}
    known = {**(known_host_names or {}), **host_names(usage)}
    ids = [json_access.text(entry, "node_id") for entry in result["result"]]
    entries = [
        _RayEntry(entry, rows.get(node_id), known.get(node_id, ""))
        for entry, node_id in zip(result["result"], ids, strict=True)
    ]
    resolved = resolve_nodes([entry.listed() for entry in entries])
    parsed = tuple(_node(entry, *found) for entry, found in zip(entries, resolved, strict=True))
    return Cluster(
        parsed,
        {
            "summary": _summary(parsed, json_access.at(status, "data", "clusterStatus", "loadMetricsReport", "usage")),
            "result": result,
            "dashboardUrl": dashboard_url,
        },
    )


def host_names(usage: Any) -> dict[str, str]:
    """Return the nodes' host names by node id, from `/nodes?view=summary`."""
    return {json_access.text(row, "raylet", "nodeId"): json_access.text(row, "hostname") for row in _usage_rows(usage)}


class _RayEntry(NamedTuple):
    """One entry of Ray's list, with the same node's row in the summary of usage."""

    raw: dict[str, Any]
    usage: dict[str, Any] | None
    host_name: str

    @property
    def resources(self) -> dict[str, Any]:
        return json_access.mapping(self.raw.get("resources_total"))

    def listed(self) -> ListedNode:
        labels = json_access.mapping(self.raw.get("labels"))
        names = candidates(labels, self.resources, self.host_name)
        is_alive = self.raw.get("state") == "ALIVE"
        return ListedNode(Unnamed(self.raw["node_ip"], names, is_alive), self.time_of("start_time_ms", "startTimeMs"))

    def time_of(self, key: str, raylet_key: str) -> float:
        """Return a time in Unix seconds, 0 if unknown. Only Ray's detailed list has it itself."""
        return json_access.unix_seconds(self.raw.get(key) or json_access.at(self.usage, "raylet", raylet_key))


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
            "totalMemory": _gib(resources.get("memory")),
            "totalGpu": json_access.number(resources.get("GPU")),
            "objectStore": _gib(resources.get("object_store_memory")),
        },
    }
    return Node(node_id, ip, name, alive, fields, None if alive else entry.time_of("end_time_ms", "endTimeMs") or None)


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


def _summary(nodes: tuple[Node, ...], usage: Any) -> dict[str, Any]:
    alive = sum(node.alive for node in nodes)
    by_resource = {name.lower().replace("_", ""): pair for name, pair in json_access.mapping(usage).items()}
    memory, store = by_resource.get("memory"), by_resource.get("objectstorememory")
    return {
        "totalNodes": len(nodes),
        "aliveNodes": alive,
        "deadNodes": len(nodes) - alive,
        "headNodes": sum(node.alive and node.fields["isHeadNode"] for node in nodes),
        "usageKnown": bool(by_resource),
        "resources": {
            "cpu": _use(by_resource.get("cpu")),
            "memory": _use(memory) | _use_gib(memory),
            "gpu": _use(by_resource.get("gpu")),
            "objectStore": _use(store) | _use_gib(store),
        },
    }


def _pair(value: Any) -> tuple[float, float]:
    numbers = [json_access.number(each) for each in json_access.items(value)]
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (0, 0)


def _use(value: Any) -> dict[str, float]:
    used, total = _pair(value)
    percent = round(100 * used / total, 1) if total else 0
    return {"total": total, "used": used, "available": total - used, "usagePercent": percent}


def _use_gib(value: Any) -> dict[str, float]:
    used, total = _pair(value)
    return {"totalGB": _gib(total), "usedGB": _gib(used)}


def _connection(resources: Mapping[str, Any]) -> str:
    for resource, shown in (("Wired", "wired"), ("Wireless", "wireless")):
        if resource in resources:
            return shown
    return "unknown"


def _message(value: Any) -> str | None:
    return one_line(value) if isinstance(value, str) else None


def _gib(value: Any) -> float:
    return round(json_access.number(value) / _GIB, 1)
