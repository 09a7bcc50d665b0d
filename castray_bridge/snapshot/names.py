"""Conflicts between the bridge's node names and the names that the monitors give themselves.

The bridge's name is the one that counts everywhere. A monitor with another name, or a name that several monitors have,
is no error, but its own page and its log lines are hard to attribute.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from castray_bridge.probes.status import NodeStatus
from castray_bridge.sources.cluster import Node
from servicekit.log import RateLimit, event

MISMATCH: Final = "mismatch"
"""The monitor has another name than the bridge gives its node."""
DUPLICATE: Final = "duplicate"
"""The monitor has the bridge's name, but a monitor at another address has it too."""

_log = logging.getLogger(__name__)


def name_conflicts(nodes: Sequence[Node], statuses: Sequence[NodeStatus]) -> list[str | None]:
    """Return for each node `MISMATCH`, `DUPLICATE`, or None without a conflict or with the monitor's name unknown."""
    owners: dict[str, set[str]] = {}
    for node, status in zip(nodes, statuses, strict=True):
        if node.alive and status.monitor_name:
            owners.setdefault(status.monitor_name, set()).add(node.ip)
    return [_conflict(node, status, owners) for node, status in zip(nodes, statuses, strict=True)]


def _conflict(node: Node, status: NodeStatus, owners: dict[str, set[str]]) -> str | None:
    if not node.alive or not status.monitor_name:
        return None
    if status.monitor_name != node.name:
        return MISMATCH
    return DUPLICATE if len(owners[status.monitor_name]) > 1 else None


class NameConflictLog:
    """Logs each conflict once, and its end. Not thread-safe."""

    def __init__(self) -> None:
        self._known: set[tuple[str, str, str, str]] = set()
        self._limit = RateLimit(burst=20, period=60.0)

    def update(self, found: set[tuple[str, str, str, str]]) -> None:
        """Take over the present conflicts: node, address, the monitor's own name, kind."""
        for conflict in sorted(found - self._known):
            held_back = self._limit.admit()
            if held_back is not None:
                node, ip, monitor_name, kind = conflict
                _log.warning(
                    event(
                        "node_name_conflict",
                        node=node,
                        node_ip=ip,
                        monitor_name=monitor_name,
                        kind=kind,
                        held_back=held_back,
                    )
                )
        if self._known and not found:
            _log.info(event("node_names_agree"))
        self._known = found
