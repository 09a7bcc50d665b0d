"""What one snapshot changes of another, for viewers that have the other: the `data` of `cluster_delta`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from castray_bridge.snapshot.json_text import array, members, to_json
from castray_bridge.snapshot.store import Snapshot
from castray_bridge.snapshot.table import Row

_MISSING: Final = object()


def delta(before: Snapshot, after: Snapshot) -> bytes | None:
    """Return the JSON object that turns `before` into `after`; None where node ids do not name the nodes."""
    if before.node_ids is None or after.node_ids is None:
        return None
    if before.node_ids is after.node_ids:
        pairs = zip(before.rows, after.rows, strict=True)
        changed = [_changes(old, new) for old, new in pairs if old is not new]
        gone: list[str] = []
    else:
        changed, gone = _joined_and_left(before, after)
    texts = {"nodes": array([to_json(fields) for fields in changed if fields])}
    if gone:
        texts["gone"] = to_json(gone)
    if before.summary != after.summary:
        texts["summary"] = to_json(after.summary)
    return members(texts)


def _joined_and_left(before: Snapshot, after: Snapshot) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the changed and new nodes, and the ids of those that are gone."""
    old = dict(zip(before.node_ids or (), before.rows, strict=True))
    new = dict(zip(after.node_ids or (), after.rows, strict=True))
    changed = [
        _changes(old[node_id], row) if node_id in old else row.fields | {"whole": True}
        for node_id, row in new.items()
        if old.get(node_id) is not row
    ]
    return changed, [node_id for node_id in old if node_id not in new]


def _changes(before: Row, after: Row) -> dict[str, Any]:
    """Return the node's id and its changed members, the whole node if it lost one, and nothing if it is the same."""
    old, new = before.fields, after.fields
    if not old.keys() <= new.keys():
        return new | {"whole": True}
    found = {name: value for name, value in new.items() if not _is_same(old, name, value)}
    return {"nodeId": new["nodeId"], **found} if found else {}


def _is_same(fields: Mapping[str, Any], name: str, value: Any) -> bool:
    old = fields.get(name, _MISSING)
    return old == value and type(old) is type(value)  # 0 equals False, which is another JSON value
