"""The latest snapshot of all nodes: probes and the source poller write it, every viewer reads it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import Any, TypeVar

from castray_bridge.probes.status import ProbeResult
from castray_bridge.snapshot.json_text import to_json
from castray_bridge.snapshot.table import NodeTable, Row
from castray_bridge.sources.cluster import Cluster
from servicekit.address import Address
from servicekit.clock import Clock

_Value = TypeVar("_Value")


class SourceMembers:
    """What the source's reply holds beside the nodes, the same for all snapshots of one list."""

    def __init__(self, cluster: Cluster) -> None:
        summary = cluster.data.get("summary")
        self.summary: dict[str, Any] = summary if isinstance(summary, dict) else {}
        self.envelope = cluster.envelope
        """The members of CastRay's reply beside `data`."""
        self._data = {key: value for key, value in cluster.data.items() if key not in ("nodes", "summary")}

    @cached_property
    def data(self) -> dict[str, bytes]:
        """The other members of CastRay's `data`, as JSON texts: Ray's own list among them is large."""
        return {key: to_json(value) for key, value in self._data.items()}


@dataclass(frozen=True, eq=False)
class Snapshot:
    """All nodes at one instant; `version` rises with every visible change. Equal only to itself."""

    version: int
    rows: tuple[Row, ...]
    node_ids: tuple[str, ...] | None
    """`nodeId` of each row, one object for all snapshots with the same; None where they do not name the nodes."""
    summary: dict[str, Any]
    source: SourceMembers
    cache: dict[str, Any] = field(default_factory=dict)
    """The results of `cached_per_snapshot`, and what else viewers share."""

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


class SnapshotStore:
    """Takes probe results and clusters, gives snapshots. Thread-safe; no call waits for a node."""

    def __init__(self, clock: Clock, unreachable_as: str) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._cluster = Cluster()
        self._addresses: tuple[Address | None, ...] = ()
        self._source = SourceMembers(self._cluster)
        self._table = NodeTable(unreachable_as)
        self._version = 0
        self._snapshot: Snapshot | None = None
        self._listeners: set[Callable[[], None]] = set()
        self.updated_at = clock.time()
        """Unix time of the last probe result, or of the last cluster."""

    def set_cluster(self, cluster: Cluster, addresses: Sequence[Address | None]) -> None:
        """Show `cluster`; `addresses` are those of its nodes' monitors, None for a node that is not probed."""
        with self._lock:
            self.updated_at = self._clock.time()
            if cluster == self._cluster and tuple(addresses) == self._addresses:
                return
            self._cluster, self._addresses = cluster, tuple(addresses)
            self._source = SourceMembers(cluster)
            self._table.set_nodes(cluster.nodes, addresses)
            self._mark_changed()
        self._notify()

    def publish(self, result: ProbeResult) -> None:
        """Show a probe result at once."""
        with self._lock:
            self.updated_at = self._clock.time()
            if not self._table.set_status(result.address, result.status):
                return
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
        rows = self._table.rows()
        return Snapshot(
            version=self._version,
            rows=rows,
            node_ids=self._table.node_ids,
            summary=self._source.summary | {"workStatus": self._table.state_counts()},
            source=self._source,
        )
