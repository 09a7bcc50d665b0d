"""The metrics that the services expose, taken from the services themselves."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from castray_bridge.bridge import Bridge
from castray_bridge.sources.cluster import Cluster, Node
from castray_bridge.sources.inventory import Expected
from exporter.board import Reading
from notify.metrics import Metrics
from testkit.clocks import ManualClock
from testkit.monitors import running_monitor
from testkit.net import free_port

ADDRESS = "127.0.0.9"


class Metric(NamedTuple):
    """A metric as documented (counters with their `_total`): type, values of its labels, names of its samples."""

    name: str
    kind: str
    values: dict[str, frozenset[str]]
    samples: frozenset[str]

    @property
    def labels(self) -> frozenset[str]:
        return frozenset(self.values)


class OneNode:
    """A source with one living node, where nothing listens: enough for every series to exist."""

    def fetch(self) -> Cluster:
        return Cluster((Node("abc", ADDRESS, "M9", True, {}),))


def bridge_registry() -> CollectorRegistry:
    disable_created_metrics()  # as the service does before it makes its metrics
    inventory = [Expected("M10", "127.0.0.10")]
    bridge = Bridge(OneNode(), monitor_port=free_port(ADDRESS), inventory=inventory, clock=ManualClock())
    bridge.poller.refresh()
    bridge.close()
    return bridge.registry


def monitor_text() -> str:
    board = Reading(gpu_ratio=0.5, celsius=(("GPU-therm", 45.0),))  # not every board has these figures
    with tempfile.TemporaryDirectory() as directory, running_monitor(Path(directory), board=board) as monitor:
        # Before the first report there is no time of the last one.
        assert monitor.app.test_client().post("/api/update_status", json={"status": "idle"}).status_code == 200
        return generate_latest(monitor.registry).decode()


def notify_registry() -> CollectorRegistry:
    disable_created_metrics()
    registry = CollectorRegistry()
    Metrics(registry, ["wecombot"], ManualClock())
    return registry


def _metrics(text: str) -> Iterator[Metric]:
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        values = {label: frozenset(sample.labels[label] for sample in family.samples) for label in labels}
        yield Metric(name, family.type, values, frozenset(sample.name for sample in family.samples))


@functools.cache
def exposed() -> dict[str, tuple[Metric, ...]]:
    """Return every metric by the Prometheus job that scrapes it."""
    return {
        "cmzsb-monitor": tuple(_metrics(monitor_text())),
        "castray-bridge": tuple(_metrics(generate_latest(bridge_registry()).decode())),
        "cmzsb-notify": tuple(_metrics(generate_latest(notify_registry()).decode())),
    }
