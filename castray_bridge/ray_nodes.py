"""Reads the replies of Ray's dashboard API (Ray 2.9 to 2.60) into a `Cluster`; no network in here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from castray_bridge.cluster import Cluster, Node, SourceError
from castray_bridge.names import node_name, shared_resources
from castray_bridge.probe import is_ip_literal
from servicekit.text import one_line

_GIB: Final = 1024**3


def parse(nodes: Any, usage: Any, status: Any, dashboard_url: str) -> Cluster:
    """Build the cluster from `/api/v0/nodes`, `/nodes?view=summary` and `/api/cluster_status`.

    The last two may be None when Ray did not answer them: their figures are then 0. Raises `SourceError` when the
    list itself is not what Ray sends, or only a part of it.
    """
    result = _entries(nodes)
    usage_by_id = {_text(row, "raylet", "nodeId"): row for row in _rows(_at(usage, "data", "summary"))}
    shared = _shared_resources(result["result"])
    parsed = tuple(_node(entry, usage_by_id.get(str(entry.get("node_id"))), shared) for entry in result["result"])
    return Cluster(
        tuple(node for node in parsed if is_ip_literal(node.ip)),
        {
            "summary": _summary(parsed, _at(status, "data", "clusterStatus", "loadMetricsReport", "usage")),
            "result": result,
            "dashboardUrl": dashboard_url,
        },
    )


def _entries(reply: Any) -> dict[str, Any]:
    result = _at(reply, "data", "result")
    if not isinstance(result, dict) or not isinstance(result.get("result"), list):
        raise SourceError("Ray's reply holds no node list")
    entries = result["result"]
    if not all(isinstance(entry, dict) and isinstance(entry.get("node_ip"), str) for entry in entries):
        raise SourceError("Ray's node list has entries without an address")
    total = result.get("total")
    if not entries or (isinstance(total, int) and total > len(entries)):
        raise SourceError(f"Ray sent {len(entries)} of {total} nodes")
    return result


def _shared_resources(entries: list[dict[str, Any]]) -> frozenset[str]:
    return shared_resources(
        (entry["node_ip"], _mapping(entry.get("resources_total"))) for entry in entries if entry.get("state") == "ALIVE"
    )


def _node(entry: dict[str, Any], usage: dict[str, Any] | None, shared: frozenset[str]) -> Node:
    node_id, ip = str(entry.get("node_id") or ""), entry["node_ip"]
    resources = _mapping(entry.get("resources_total"))
    name = node_name(_mapping(entry.get("labels")), resources.keys() - shared, _text(usage, "hostname"), ip)
    alive = entry.get("state") == "ALIVE"
    fields = {
        "id": node_id[-8:],
        "name": name,
        "fullName": f"{name} ({ip})",
        "nodeIp": ip,
        "nodeId": node_id,
        "state": "ALIVE" if alive else "DEAD",
        "isHeadNode": entry.get("is_head_node") is True,
        **_load(usage if alive else None),
        "tasks": [],
        "status": "active" if alive else "dead",
        "stateMessage": _message(entry.get("state_message")),
        "connectionType": _connection(resources),
        "resources": {
            "totalCpu": _number(resources.get("CPU")),
            "totalMemory": _gib(resources.get("memory")),
            "totalGpu": _number(resources.get("GPU")),
            "objectStore": _gib(resources.get("object_store_memory")),
        },
    }
    return Node(node_id, ip, name, alive, fields)


def _load(usage: dict[str, Any] | None) -> dict[str, Any]:
    memory = _list(_at(usage, "mem"))
    gpus = [_number(gpu.get("utilizationGpu")) for gpu in _rows(_at(usage, "gpus"))]
    return {
        "cpu": round(_number(_at(usage, "cpu")), 1),
        # [total, available, percent used, used]
        "memory": round(_number(memory[2]), 1) if len(memory) > 2 else 0,
        "gpu": round(sum(gpus) / len(gpus), 1) if gpus else 0,
        "usageKnown": usage is not None,
    }


def _summary(nodes: tuple[Node, ...], usage: Any) -> dict[str, Any]:
    alive = sum(node.alive for node in nodes)
    by_resource = {name.lower().replace("_", ""): pair for name, pair in _mapping(usage).items()}
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
    numbers = [_number(number) for number in _list(value)]
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
    return round(_number(value) / _GIB, 1)


def _number(value: Any) -> float:
    """Return `value` if it is a finite number, else 0: pages call `.toFixed` on it."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and math.isfinite(value) else 0


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _text(value: Any, *path: str) -> str:
    found = _at(value, *path)
    return found if isinstance(found, str) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _rows(value: Any) -> list[dict[str, Any]]:
    return [row for row in _list(value) if isinstance(row, dict)]
