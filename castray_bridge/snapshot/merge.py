"""Adds the work status to CastRay's node objects, which are the same for HTTP and WebSocket."""

from __future__ import annotations

from typing import Any

from castray_bridge.probes.status import NodeStatus
from castray_bridge.sources.cluster import Node
from exporter.states import DETECTING, SENDING


def node_object(
    node: Node, status: NodeStatus, unreachable_as: str, name_conflict: str | None = None
) -> dict[str, Any]:
    """Return the node's object with its work status added; an unreachable node's `workStatus` is `unreachable_as`."""
    task = status.current_task
    is_working = status.state in (DETECTING.name, SENDING.name)
    return (
        node.fields
        | _gpu(node, status)
        | {
            "tasks": node.fields.get("tasks", [task] if task and is_working else []),
            "workStatus": status.state if status.reachable else unreachable_as,
            "workStatusTimestamp": status.timestamp,
            "workStatusReachable": status.reachable,
            "workStatusError": status.error,
            "workStatusStale": status.stale,
            "currentTask": task or None,
            "inference": {
                "totalProcessed": status.processed,
                "lowConfidence": status.low_confidence,
                "sentToServer": status.sent_to_server,
            },
            "monitorName": status.monitor_name or None,
            "nameConflict": name_conflict,
            "silencedUntil": node.fields.get("silencedUntil"),
        }
    )


def _gpu(node: Node, status: NodeStatus) -> dict[str, Any]:
    """Return the GPU load by the node's monitor where the source has no figure, as on boards without NVML."""
    if status.gpu is None or node.fields.get("gpuKnown") is not False:
        return {}
    return {"gpu": status.gpu, "gpuKnown": True}
