"""The bridge without its HTTP server: for CastRay's own process, and for the service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry

from castray_bridge.metrics import BridgeCollector, Metrics
from castray_bridge.probes.history import History
from castray_bridge.probes.pool import WorkerPool
from castray_bridge.probes.prometheus_status import PrometheusStatusProvider
from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.status import PENDING, ProbeResult
from castray_bridge.refresher import SourcePoller, StatusProvider
from castray_bridge.silence_poller import SilencePoller
from castray_bridge.snapshot import merge, render
from castray_bridge.snapshot.names import NameConflictLog
from castray_bridge.snapshot.store import Snapshot, SnapshotStore, cached_per_snapshot
from castray_bridge.snapshot.table import Row
from castray_bridge.sources.cluster import Node
from castray_bridge.sources.discovery import TargetRegistry
from castray_bridge.sources.inventory import Expected
from castray_bridge.sources.source import Source
from exporter.states import IDLE
from servicekit.clock import Clock, SystemClock
from servicekit.process_metrics import ProcessMetrics


class Bridge:
    """Keeps every node's work status from `start()` (or entering the `with`) until `close()`.

    No global state: several may run in one process. Thread-safe. To be started in the process that uses it, because
    threads do not survive a fork.
    """

    def __init__(
        self,
        source: Source,
        *,
        monitor_port: int = 8000,
        settings: ProbeSettings | None = None,
        unreachable_as: str = IDLE.name,
        inventory: Iterable[Expected] | Callable[[], Iterable[Expected]] = (),
        prometheus_url: str | None = None,
        alertmanager_url: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`prometheus_url`: query that Prometheus for the work statuses instead of probing every node's monitor.

        `inventory` may be a function, which is called for each new list of nodes. `alertmanager_url`: read silences
        there, for `silencedUntil` of the nodes.
        """
        clock = clock or SystemClock()
        settings = settings or ProbeSettings()
        self._unreachable_as = unreachable_as
        self._is_used = False
        self.clock = clock
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.store = SnapshotStore(clock, unreachable_as)
        self.target_registry = TargetRegistry(clock, monitor_port, inventory)
        self.history = History(clock, settings.timeout)
        self._status_provider: StatusProvider = (
            PrometheusStatusProvider(prometheus_url, settings.refresh, self._take, clock)
            if prometheus_url
            else WorkerPool(settings, self._take, clock)
        )
        self.silences = SilencePoller(alertmanager_url, clock)
        self.poller = SourcePoller(
            source,
            self.target_registry,
            self._status_provider,
            self.store,
            clock,
            settings.refresh,
            self._log_names,
            self.silences.marked,
        )
        self.registry.register(ProcessMetrics())
        self._name_log = NameConflictLog()
        self.registry.register(
            BridgeCollector(self.store, self.target_registry, self.poller, self.metrics, self.silences)
        )

    def start(self) -> None:
        """Start the threads; returns at once. Raises `RuntimeError` the second time, and after `close()`."""
        if self._is_used:
            raise RuntimeError("this bridge was started or closed before: create a new one")
        self._is_used = True
        self.poller.start()
        self.silences.start()

    def liveness_error(self) -> str:
        """Return which thread is stuck, or an empty text; nodes and sources that do not reply do not stop a thread."""
        if not self.poller.is_alive():
            return "the poller of the source of nodes is stuck"
        return "" if self._status_provider.is_alive() else "a thread that probes the nodes is stuck or has ended"

    def close(self) -> None:
        """Stop and join all threads, within the budget of a request in flight. May be called twice."""
        self._is_used = True
        self.poller.stop()  # first, so that the requests in flight of both end at the same time
        self._status_provider.close()
        self.poller.close()
        self.silences.close()
        self.history.close()

    def nodes(self) -> list[dict[str, Any]]:
        """Return CastRay's node objects with the work status, as of now; the caller may change them."""
        found: list[dict[str, Any]] = json.loads(render.nodes(self.store.snapshot()))
        return found

    def work_status(self, node: str) -> dict[str, Any]:
        """Return the work status fields of one node, named by its address, Ray's id or name, as of now.

        These are `workStatus`, `workStatusTimestamp`, `workStatusReachable`, `workStatusError`, `workStatusStale`,
        `currentTask`, `inference`, `monitorName` and `nameConflict`, to be added to a node object of the caller. A
        node that the source does not list (yet) has the error `pending`.
        """
        row = _rows_by_key(self.store.snapshot()).get(node)
        status, conflict = (row.status, row.name_conflict) if row else (PENDING, None)
        fields = merge.node_object(Node(node, node, node, True, {}), status, self._unreachable_as, conflict)
        for added in ("tasks", "silencedUntil"):
            del fields[added]
        return fields

    def __enter__(self) -> Bridge:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _log_names(self) -> None:
        self._name_log.update(
            {
                (row.node.name, row.node.ip, row.status.monitor_name, row.name_conflict)
                for row in self.store.snapshot().rows
                if row.name_conflict
            }
        )

    def _take(self, result: ProbeResult) -> None:
        self.store.publish(result)
        self.metrics.probe(result)


@cached_per_snapshot
def _rows_by_key(snapshot: Snapshot) -> dict[str, Row]:
    """Return the rows by name, address and id of each node; a living node takes precedence over a dead one."""
    rows = sorted(snapshot.rows, key=lambda row: row.node.alive)
    return {key: row for row in rows for key in (row.node.name, row.node.ip, row.node.node_id)}
