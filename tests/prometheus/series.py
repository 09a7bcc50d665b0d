"""The names of all series that the services expose, taken from the services themselves."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from castray_bridge.bridge import Bridge
from castray_bridge.cluster import Cluster, Node
from castray_bridge.inventory import Expected
from tests.exporter.clocks import ManualClock
from tests.exporter.monitors import running_monitor


class OneNode:
    """A source with a single dead node: enough for every family to exist, and nobody is asked."""

    def fetch(self) -> Cluster:
        return Cluster((Node("abc", "127.0.0.9", "M9", False, {}),))


def bridge_registry() -> CollectorRegistry:
    bridge = Bridge(OneNode(), inventory=[Expected("M9", "127.0.0.9")], clock=ManualClock())
    bridge.refresher.refresh()
    bridge.close()
    return bridge.registry


@functools.cache
def known_series() -> frozenset[str]:
    """Return every sample name of both services."""
    with tempfile.TemporaryDirectory() as directory, running_monitor(Path(directory)) as monitor:
        texts = [generate_latest(monitor.registry), generate_latest(bridge_registry())]
    names = set()
    for text in texts:
        for family in text_string_to_metric_families(text.decode()):
            names.add(family.name)
            names.update(sample.name for sample in family.samples)
    return frozenset(names)
