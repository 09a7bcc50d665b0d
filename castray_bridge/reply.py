"""CastRay's reply around a snapshot: what `GET /api/ray-dashboard` and `/ws` send."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

from castray_bridge.board import Snapshot, to_json
from servicekit.clock import rfc3339

_DONE: Final = "成功获取Ray集群信息"
"""The wording of CastRay, which its clients may compare."""

_RECENT: Final = 2
"""Snapshots whose replies are kept: all viewers get the same bytes."""


@lru_cache(_RECENT)
def dashboard(snapshot: Snapshot, failure: str | None) -> bytes:
    """Return the JSON body; `failure` says why the node list is an old one."""
    envelope = {
        "result": failure is None,
        "msg": _DONE if failure is None else failure,
        "timestamp": rfc3339(snapshot.timestamp),
    }
    data = _members(
        {key: to_json(value) for key, value in snapshot.rest.items()}
        | {"summary": to_json(snapshot.summary), "nodes": snapshot.nodes_json}
    )
    return _members({key: to_json(value) for key, value in envelope.items()} | {"data": data}).encode()


@lru_cache(_RECENT)
def push(snapshot: Snapshot) -> str:
    """Return the WebSocket message of a snapshot."""
    data = _members({"nodes": snapshot.nodes_json, "summary": to_json(snapshot.summary)})
    return _members({"type": to_json("cluster_status"), "data": data})


@lru_cache(_RECENT)
def unified(snapshot: Snapshot) -> bytes:
    """Return the body of `GET /api/nodes/unified`."""
    return _members({"nodes": snapshot.nodes_json}).encode()


def node_status(snapshot: Snapshot, node_id: str) -> dict[str, Any] | None:
    """Return one node's work status by name, address, or id (whole or its last 8 digits); None if unknown."""
    matching = [
        row for row in snapshot.shown if node_id in (row.node.name, row.node.ip, row.node.node_id, row.fields.get("id"))
    ]
    if not matching:
        return None
    row = max(matching, key=lambda candidate: candidate.node.alive)
    copied = ("nodeId", "nodeIp", "name", "state", "currentTask", "inference")
    work = {key: value for key, value in row.fields.items() if key.startswith("workStatus")}
    return {key: row.fields.get(key) for key in copied} | work


def _members(texts: dict[str, str]) -> str:
    return "{" + ",".join(f"{to_json(key)}:{text}" for key, text in texts.items()) + "}"
