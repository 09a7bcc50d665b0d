"""The latest snapshot of all nodes: written by the pool and the refresher, read by every viewer."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, TypeVar

from castray_bridge.probes.status import DEAD, NO_ADDRESS, PENDING, NodeStatus, ProbeResult
from castray_bridge.snapshot import merge
from castray_bridge.sources.cluster import Cluster, Node
from servicekit.address import Address
from servicekit.clock import Clock

_Made = TypeVar("_Made")
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Shown:
    """One node as viewers see it: its object, and that as JSON text."""

    node: Node
    status: NodeStatus
    fields: dict[str, Any]
    json: str


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All nodes at one instant; `version` rises with every visible change. Equal only to itself."""

    version: int
    shown: tuple[Shown, ...]
    summary: dict[str, Any]
    data: dict[str, Any]
    """What else CastRay's reply holds in `data`."""
    envelope: dict[str, Any]
    """What else it holds around `data`."""
    made: dict[str, Any] = field(default_factory=dict)
    """What `cached_per_snapshot` keeps."""

    def state_counts(self) -> dict[str, int]:
        """Return the number of living nodes per state."""
        return dict(self.summary["workStatus"])


def cached_per_snapshot(make: Callable[[Snapshot], _Made]) -> Callable[[Snapshot], _Made]:
    """Make something of a snapshot once, to go with it: all viewers get the same bytes."""

    @wraps(make)
    def kept(snapshot: Snapshot) -> _Made:
        if make.__name__ not in snapshot.made:
            snapshot.made[make.__name__] = make(snapshot)
        found: _Made = snapshot.made[make.__name__]
        return found

    return kept


def to_json(value: Any) -> str:
    """Serialize compactly, Chinese as it is, never NaN."""
    return _ENCODER.encode(value)


class SnapshotStore:
    """Thread-safe. Answers and clusters go in, snapshots come out; nobody waits for a node."""

    def __init__(self, clock: Clock, unreachable_as: str) -> None:
        self._clock = clock
        self._unreachable_as = unreachable_as
        self._lock = threading.Lock()
        self._cluster = Cluster()
        self._addresses: tuple[Address | None, ...] = ()
        self._names: dict[Address, set[str]] = {}
        """Who is behind each address that is asked."""
        self._statuses: dict[Address, NodeStatus] = {}
        self._version = 0
        self._snapshot: Snapshot | None = None
        self._shown: tuple[Shown, ...] = ()
        self._listeners: set[Callable[[], None]] = set()
        self.updated_at = clock.time()
        """Unix time of the last answer of any node, or of the cluster."""

    def set_cluster(self, cluster: Cluster, addresses: Sequence[Address | None]) -> None:
        """Show `cluster`; `addresses` are those of its nodes' monitors, None where none is asked."""
        with self._lock:
            self.updated_at = self._clock.time()
            if cluster == self._cluster and tuple(addresses) == self._addresses:
                return
            self._cluster, self._addresses, self._shown = cluster, tuple(addresses), ()
            before, self._names = self._names, {}
            for node, address in zip(cluster.nodes, addresses, strict=True):
                if address is not None:
                    self._names.setdefault(address, set()).add(node.name)
            self._statuses = {
                address: status
                for address, status in self._statuses.items()
                # Another node at this address has not answered yet.
                if not before.get(address, set()).isdisjoint(self._names.get(address, ()))
            }
            self._changed()
        self._tell()

    def publish(self, answer: ProbeResult) -> None:
        """Show a node's answer at once."""
        with self._lock:
            self.updated_at = self._clock.time()
            if answer.address not in self._names or self._statuses.get(answer.address) == answer.status:
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

    def _changed(self) -> None:
        self._version += 1
        self._snapshot = None

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    def _render(self) -> Snapshot:
        before = self._shown or (None,) * len(self._cluster.nodes)
        self._shown = tuple(map(self._show, self._cluster.nodes, self._addresses, before))
        summary = self._cluster.data.get("summary")
        counts = merge.count_states(row.status for row in self._shown if row.node.alive)
        return Snapshot(
            version=self._version,
            shown=self._shown,
            summary=(summary if isinstance(summary, dict) else {}) | {"workStatus": counts},
            data={key: value for key, value in self._cluster.data.items() if key not in ("nodes", "summary")},
            envelope=self._cluster.envelope,
        )

    def _show(self, node: Node, address: Address | None, before: Shown | None) -> Shown:
        status = self._status(node, address)
        if before is not None and before.status == status and before.node is node:
            return before
        fields = merge.node_object(node, status, self._unreachable_as)
        return Shown(node, status, fields, to_json(fields))

    def _status(self, node: Node, address: Address | None) -> NodeStatus:
        if not node.alive:
            return DEAD
        return NO_ADDRESS if address is None else self._statuses.get(address, PENDING)
