"""The latest snapshot of all nodes: written by the pool and the refresher, read by every viewer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from castray_bridge import merge
from castray_bridge.cluster import Cluster, Node
from castray_bridge.probe import Address
from castray_bridge.status import PENDING, Answer, NodeStatus
from servicekit.clock import Clock

_DEAD: Final = merge.dead()


@dataclass(frozen=True, slots=True)
class Shown:
    """One node as viewers see it: its object, and that as JSON text."""

    node: Node
    status: NodeStatus
    fields: dict[str, Any]
    json: str


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All nodes at one instant (Unix seconds); `version` rises with every visible change. Equal only to itself."""

    version: int
    timestamp: float
    shown: tuple[Shown, ...]
    summary: dict[str, Any]
    nodes_json: str
    """The JSON array of all node objects."""
    rest: dict[str, Any]
    """What else CastRay's reply holds in `data`."""

    def state_counts(self) -> dict[str, int]:
        """Return the number of living nodes per state."""
        return dict(self.summary["workStatus"])


def to_json(value: Any) -> str:
    """Serialize compactly, Chinese as it is, never NaN."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class Board:
    """Thread-safe. Answers and clusters go in, snapshots come out; nobody waits for a node."""

    def __init__(self, clock: Clock, unreachable_as: str) -> None:
        self._clock = clock
        self._unreachable_as = unreachable_as
        self._lock = threading.Lock()
        self._cluster = Cluster()
        self._addresses: dict[str, Address] = {}
        self._living: frozenset[Address] = frozenset()
        self._statuses: dict[Address, NodeStatus] = {}
        self._version = 0
        self._snapshot: Snapshot | None = None
        self._shown: dict[str, Shown] = {}
        self._listeners: set[Callable[[], None]] = set()
        self.updated_at = clock.time()
        """Unix time of the last answer of any node, or of the cluster."""

    def set_cluster(self, cluster: Cluster, addresses: Mapping[str, Address]) -> None:
        """Show `cluster`; `addresses` are those of its living nodes' monitors, by node id."""
        with self._lock:
            self.updated_at = self._clock.time()
            if cluster == self._cluster and addresses == self._addresses:
                return
            self._cluster = cluster
            self._addresses = dict(addresses)
            self._living = frozenset(self._addresses.values())
            self._statuses = {at: status for at, status in self._statuses.items() if at in self._living}
            self._changed()
        self._tell()

    def publish(self, answer: Answer) -> None:
        """Show a node's answer at once."""
        with self._lock:
            self.updated_at = self._clock.time()
            if answer.address not in self._living or self._statuses.get(answer.address) == answer.status:
                return
            self._statuses[answer.address] = answer.status
            self._changed()
        self._tell()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` (which must not block) after every visible change; returns what ends that."""
        with self._lock:
            self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def snapshot(self) -> Snapshot:
        """Return the present snapshot; made anew only where something changed."""
        with self._lock:
            if self._snapshot is None:
                self._snapshot = self._render()
            return self._snapshot

    def statuses(self) -> dict[str, NodeStatus]:
        """Return the living nodes' statuses by node id."""
        with self._lock:
            return {node_id: self._statuses.get(at, PENDING) for node_id, at in self._addresses.items()}

    def _changed(self) -> None:
        self._version += 1
        self._snapshot = None

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _render(self) -> Snapshot:
        shown = [self._show(node) for node in self._cluster.nodes]
        self._shown = {row.node.node_id: row for row in shown}
        living = [self._statuses.get(at, PENDING) for at in self._addresses.values()]
        summary = self._cluster.data.get("summary")
        return Snapshot(
            version=self._version,
            timestamp=self._clock.time(),
            shown=tuple(shown),
            summary=(summary if isinstance(summary, dict) else {}) | {"workStatus": merge.count_states(living)},
            nodes_json="[" + ",".join(row.json for row in shown) + "]",
            rest={key: value for key, value in self._cluster.data.items() if key not in ("nodes", "summary")},
        )

    def _show(self, node: Node) -> Shown:
        at = self._addresses.get(node.node_id)
        status = _DEAD if at is None else self._statuses.get(at, PENDING)
        before = self._shown.get(node.node_id)
        if before is not None and before.status == status and before.node is node:
            return before
        fields = merge.node_object(node, status, self._unreachable_as)
        return Shown(node, status, fields, to_json(fields))
