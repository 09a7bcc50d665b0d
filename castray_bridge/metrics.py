"""The bridge's own metrics. Snapshot store and target registry are read at every scrape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from castray_bridge.probes.failures import PROBE_RESULTS, row_name
from castray_bridge.probes.status import ProbeResult
from castray_bridge.refresher import SourcePoller
from castray_bridge.silence_poller import SilencePoller
from castray_bridge.snapshot.store import SnapshotStore
from castray_bridge.sources.discovery import TargetRegistry
from servicekit.node_names import safe_address
from servicekit.version import __version__

_DURATIONS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)


class Metrics:
    """Counters of events that no other object keeps; every series exists from the start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._probes = Counter("castray_bridge_probes", "Probes of nodes by result.", ["result"], registry=registry)
        for result in PROBE_RESULTS:
            self._probes.labels(result)
        self._seconds = Histogram(
            "castray_bridge_probe_duration_seconds",
            "Duration of probes, long polls left out.",
            buckets=_DURATIONS,
            registry=registry,
        )
        self.dropped = Counter(
            "castray_bridge_websocket_dropped", "WebSocket clients dropped for being too slow.", registry=registry
        )
        self.http_errors = Counter(
            "castray_bridge_http_errors", "Requests that ended in an unexpected exception.", registry=registry
        )
        self.websocket_clients = 0

    def probe(self, result: ProbeResult) -> None:
        """Count one probe."""
        error = result.status.error
        self._probes.labels("ok" if error is None else row_name(error)).inc()
        if result.seconds is not None:
            self._seconds.observe(result.seconds)


class BridgeCollector(Collector):
    """Yields the gauges, e.g. `castray_bridge_nodes{state="sending"} 2`."""

    def __init__(
        self,
        store: SnapshotStore,
        target_registry: TargetRegistry,
        poller: SourcePoller,
        metrics: Metrics,
        silences: SilencePoller,
    ) -> None:
        self._store = store
        self._target_registry = target_registry
        self._poller = poller
        self._metrics = metrics
        self._silences = silences

    def describe(self) -> list[Metric]:
        """Describe nothing, because registering must not read the snapshot."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all gauges as of now."""
        yield from self._nodes()
        yield _gauge(
            "castray_bridge_snapshot_timestamp_seconds",
            "Unix time of the latest data.",
            self._store.updated_at,
        )
        ray_up = float(self._poller.failure is None)
        yield _gauge("castray_bridge_ray_up", "1 when the last request to the source of nodes succeeded.", ray_up)
        yield _gauge(
            "castray_bridge_ray_last_success_timestamp_seconds",
            "Unix time of the last good node list.",
            self._poller.last_success,
        )
        yield _gauge(
            "castray_bridge_alertmanager_up",
            "1 when the last request to Alertmanager succeeded; absent without --alertmanager-url.",
            self._silences.is_up,
        )
        yield _gauge("castray_bridge_websocket_clients", "WebSocket clients.", self._metrics.websocket_clients)
        build = GaugeMetricFamily("castray_bridge_build_info", "Version of the bridge.", labels=("version",))
        build.add_metric((__version__,), 1)
        yield build

    def _nodes(self) -> Iterator[Metric]:
        snapshot = self._store.snapshot()
        by_state = GaugeMetricFamily("castray_bridge_nodes", "Living nodes by work state.", labels=("state",))
        for state, number in snapshot.state_counts().items():
            by_state.add_metric((state,), number)
        labels = ("node", "node_ip")
        reachable = GaugeMetricFamily(
            "castray_bridge_node_reachable", "1 when the last probe of the living node succeeded.", labels=labels
        )
        by_machine = {
            (row.node.name, safe_address(row.node.ip)): row.status.reachable for row in snapshot.rows if row.node.alive
        }
        for machine, is_reachable in by_machine.items():
            reachable.add_metric(machine, float(is_reachable))
        mismatch = GaugeMetricFamily(
            "castray_bridge_node_name_mismatch",
            "1 when the living node's monitor has another name than the node, or a name that several monitors have.",
            labels=labels,
        )
        conflicts = {
            (row.node.name, safe_address(row.node.ip)): row.name_conflict for row in snapshot.rows if row.node.alive
        }
        for machine, conflict in conflicts.items():
            mismatch.add_metric(machine, float(conflict is not None))
        present = GaugeMetricFamily(
            "castray_bridge_node_present", "1 when the listed node is alive in Ray.", labels=labels
        )
        for node in self._target_registry.targets():
            present.add_metric((node.name, node.address.host), float(node.present))
        yield from (by_state, reachable, mismatch, present)


def _gauge(name: str, text: str, value: float | None) -> Metric:
    family = GaugeMetricFamily(name, text, labels=())
    if value is not None:
        family.add_metric((), value)
    return family
