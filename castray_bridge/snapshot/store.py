"""The latest snapshot of all nodes: probes and the source poller write it, every viewer reads it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, TypeVar

from castray_bridge.probes.status import DEAD, NO_ADDRESS, PENDING, NodeStatus, ProbeResult
from castray_bridge.snapshot import merge
from castray_bridge.snapshot.names import name_conflicts
from castray_bridge.sources.cluster import Cluster, Node
from servicekit.address import Address
from servicekit.clock import Clock

_Value = TypeVar("_Value")
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One node as viewers see it: its object, and that as JSON text."""

    node: Node
    status: NodeStatus
    name_conflict: str | None
    fields: dict[str, Any]
    json: str


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All nodes at one instant; `version` rises with every visible change. Equal only to itself."""

    version: int
    rows: tuple[Row, ...]
    summary: dict[str, Any]
    data: dict[str, Any]
    """The other members of CastRay's `data`."""
    envelope: dict[str, Any]
    """The members of CastRay's reply beside `data`."""
    cache: dict[str, Any] = field(default_factory=dict)
    """The results of `cached_per_snapshot`."""

    def state_counts(self) -> dict[str, int]:
        """Return the number of living nodes per state."""
        return dict(self.summary["workStatus"])


def cached_per_snapshot(make: Callable[[Snapshot], _Value]) -> Callable[[Snapshot], _Value]:
    """Compute `make` once per snapshot and keep the result with it, so that all viewers get the same bytes."""

    @wraps(make)
    def cached(snapshot: Snapshot) -> _Value:
        if make.__name__ not in snapshot.cache:
            snapshot.cache[make.__name__] = make(snapshot)
        value: _Value = snapshot.cache[make.__name__]
        return value

    return cached


def to_json(value: Any) -> str:
    """Serialize compactly, without escapes for Chinese, never NaN."""
    return _ENCODER.encode(value)


class SnapshotStore:
    """Takes probe results and clusters, gives snapshots. Thread-safe; no call waits for a node."""

    def __init__(self, clock: Clock, unreachable_as: str) -> None:
        self._clock = clock
        self._unreachable_as = unreachable_as
        self._lock = threading.Lock()
        self._cluster = Cluster()
        self._addresses: tuple[Address | None, ...] = ()
        self._names: dict[Address, set[str]] = {}
        """The names of the nodes at each probed address."""
        self._statuses: dict[Address, NodeStatus] = {}
        self._version = 0
        self._snapshot: Snapshot | None = None
        self._rows: tuple[Row, ...] = ()
        self._listeners: set[Callable[[], None]] = set()
        self.updated_at = clock.time()
        """Unix time of the last probe result, or of the last cluster."""

    def set_cluster(self, cluster: Cluster, addresses: Sequence[Address | None]) -> None:
        """Show `cluster`; `addresses` are those of its nodes' monitors, None for a node that is not probed."""
        with self._lock:
            self.updated_at = self._clock.time()
            if cluster == self._cluster and tuple(addresses) == self._addresses:
                return
            self._cluster, self._addresses, self._rows = cluster, tuple(addresses), ()
            before, self._names = self._names, {}
            for node, address in zip(cluster.nodes, addresses, strict=True):
                if address is not None:
                    self._names.setdefault(address, set()).add(node.name)
            self._statuses = {
                address: status
                for address, status in self._statuses.items()
                # The status at an address belongs to the node that was there.
                if not before.get(address, set()).isdisjoint(self._names.get(address, ()))
            }
            self._mark_changed()
        self._notify()

    def publish(self, result: ProbeResult) -> None:
        """Show a probe result at once."""
        with self._lock:
            self.updated_at = self._clock.time()
            if result.address not in self._names or self._statuses.get(result.address) == result.status:
                return
            self._statuses[result.address] = result.status
            self._mark_changed()
        self._notify()

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` (which must not block) after every visible change; returns the function that ends this."""
        with self._lock:
            self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def snapshot(self) -> Snapshot:
        """Return the latest snapshot; only changed rows are rendered."""
        with self._lock:
            if self._snapshot is None:
                self._snapshot = self._render()
            return self._snapshot

    def _mark_changed(self) -> None:
        self._version += 1
        self._snapshot = None

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _render(self) -> Snapshot:
        before = self._rows or (None,) * len(self._cluster.nodes)
        nodes = self._cluster.nodes
        statuses = list(map(self._status, nodes, self._addresses))
        self._rows = tuple(map(self._row, nodes, statuses, name_conflicts(nodes, statuses), before))
        summary = self._cluster.data.get("summary")
        counts = merge.count_states(row.status for row in self._rows if row.node.alive)
        return Snapshot(
            version=self._version,
            rows=self._rows,
            summary=(summary if isinstance(summary, dict) else {}) | {"workStatus": counts},
            data={key: value for key, value in self._cluster.data.items() if key not in ("nodes", "summary")},
            envelope=self._cluster.envelope,
        )

    def _row(self, node: Node, status: NodeStatus, conflict: str | None, before: Row | None) -> Row:
        if before is not None and (before.node, before.status, before.name_conflict) == (node, status, conflict):
            return before
        fields = merge.node_object(node, status, self._unreachable_as, conflict)
        return Row(node, status, conflict, fields, to_json(fields))

    def _status(self, node: Node, address: Address | None) -> NodeStatus:
        if not node.alive:
            return DEAD
        return NO_ADDRESS if address is None else self._statuses.get(address, PENDING)
