"""CastRay's summary of a cluster: numbers of nodes, totals and use of its resources."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from castray_bridge.sources import json_access
from castray_bridge.sources.cluster import Node

_GIB: Final = 1024**3


def summary(nodes: tuple[Node, ...], resources: list[dict[str, Any]], usage: Any) -> dict[str, Any]:
    """Return the summary; `resources` are those of the living nodes, `usage` is the autoscaler's report, if any.

    Totals are the sums of the living nodes' resources, because the autoscaler counts a dead node for a while, and
    version 2 of it reports nothing.
    """
    alive = sum(node.alive for node in nodes)
    used = {name.lower().replace("_", ""): _first(pair) for name, pair in json_access.mapping(usage).items()}

    def use(resource: str) -> _Use:
        total = sum(json_access.number(each.get(resource)) for each in resources)
        return _Use(min(used.get(resource.lower().replace("_", ""), 0), total), total)

    memory, store = use("memory"), use("object_store_memory")
    return {
        "totalNodes": len(nodes),
        "aliveNodes": alive,
        "deadNodes": len(nodes) - alive,
        "headNodes": sum(node.alive and node.fields["isHeadNode"] for node in nodes),
        "usageKnown": bool(used),
        "resources": {
            "cpu": use("CPU").fields(),
            "memory": memory.fields() | memory.gib_fields(),
            "gpu": use("GPU").fields(),
            "objectStore": store.fields() | store.gib_fields(),
        },
    }


class _Use(NamedTuple):
    """How much of one resource of the cluster is in use."""

    used: float
    total: float

    def fields(self) -> dict[str, float]:
        """Return CastRay's fields in the resource's own unit."""
        percent = round(100 * self.used / self.total, 1) if self.total else 0
        available = self.total - self.used
        return {"total": self.total, "used": self.used, "available": available, "usagePercent": percent}

    def gib_fields(self) -> dict[str, float]:
        """Return CastRay's fields in GiB."""
        return {"totalGB": gib(self.total), "usedGB": gib(self.used)}


def _first(pair: Any) -> float:
    """Return the amount in use of `[used, total]`."""
    return json_access.number(next(iter(json_access.items(pair)), None))


def gib(value: Any) -> float:
    """Return a number of bytes in GiB, rounded; 0 if it is no number."""
    return round(json_access.number(value) / _GIB, 1)
