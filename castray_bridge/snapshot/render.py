"""The JSON of a snapshot, as `GET /api/ray-dashboard` and `/ws` send it."""

from __future__ import annotations

from typing import Any, Final

from castray_bridge.snapshot.json_text import array, members, to_json
from castray_bridge.snapshot.store import Snapshot, cached_per_snapshot
from servicekit.clock import rfc3339

_DONE: Final = "成功获取Ray集群信息"
"""CastRay's own text, because clients may compare it."""


def dashboard(snapshot: Snapshot, failure: str | None, updated_at: float) -> bytes:
    """Return the JSON body; `failure` tells why the list is old, `updated_at` is the Unix time of the latest data."""
    envelope = {
        "msg": _DONE,
        **snapshot.source.envelope,
        "result": failure is None,
        **({} if failure is None else {"msg": failure}),
        "timestamp": rfc3339(updated_at),
    }
    return b'%s,"data":%s}' % (to_json(envelope)[:-1], _data(snapshot))


@cached_per_snapshot
def _data(snapshot: Snapshot) -> bytes:
    return members(snapshot.source.data | {"summary": to_json(snapshot.summary), "nodes": nodes(snapshot)})


@cached_per_snapshot
def nodes(snapshot: Snapshot) -> bytes:
    """Return the JSON array of all node objects."""
    return array([row.json for row in snapshot.rows])


@cached_per_snapshot
def pushed(snapshot: Snapshot) -> bytes:
    """Return the `data` of the WebSocket message `cluster_status`."""
    return members({"nodes": nodes(snapshot), "summary": to_json(snapshot.summary)})


@cached_per_snapshot
def unified(snapshot: Snapshot) -> bytes:
    """Return the body of `GET /api/nodes/unified`."""
    return members({"nodes": nodes(snapshot)})


def node_status(snapshot: Snapshot, node_id: str) -> dict[str, Any] | None:
    """Return one node's work status by name, address, or id (whole or its last 8 digits); None if unknown."""
    matching = [
        row for row in snapshot.rows if node_id in (row.node.name, row.node.ip, row.node.node_id, row.fields.get("id"))
    ]
    if not matching:
        return None
    row = max(matching, key=lambda candidate: candidate.node.alive)
    copied = ("nodeId", "nodeIp", "name", "state", "currentTask", "inference")
    work = {key: value for key, value in row.fields.items() if key.startswith("workStatus")}
    return {key: row.fields.get(key) for key in copied} | work
