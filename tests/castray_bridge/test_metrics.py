"""The bridge's own metrics: one whole scrape against a golden one."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from castray_bridge.bridge import Bridge
from castray_bridge.probes.status import PENDING, ProbeResult, failed
from castray_bridge.sources.inventory import Expected
from servicekit.address import Address
from servicekit.version import __version__
from testkit.bridge_world import good
from testkit.clocks import ManualClock
from testkit.sources import StillSource, sample_cluster

GOLDEN = Path(__file__).with_name("golden") / "metrics.txt"
Families = dict[str, tuple[str, str, dict[tuple[str, frozenset[tuple[str, str]]], float]]]


def families(text: str) -> Families:
    """Return type, help and samples by name; the order of labels and of series says nothing."""
    return {
        family.name: (
            family.type,
            family.documentation,
            {(sample.name, frozenset(sample.labels.items())): sample.value for sample in family.samples},
        )
        for family in text_string_to_metric_families(text)
        # The service switches off the times of creation; its process is not the bridge's.
        if not family.name.startswith("process_") and not family.name.endswith("_created")
    }


def test_scrape_of_a_bridge_is_the_golden_one() -> None:
    clock = ManualClock()
    source = StillSource(sample_cluster())
    bridge = Bridge(source, inventory=[Expected("M2", "127.0.0.2"), Expected("M9", "10.0.0.9")], clock=clock)
    bridge._status_provider.close()
    bridge.poller.refresh()
    bridge._take(ProbeResult(Address("127.0.0.1", 8000), good(), 0.003))
    bridge._take(ProbeResult(Address("127.0.0.2", 8000), failed(PENDING, "timeout"), 1.0))
    bridge._take(ProbeResult(Address("127.0.0.2", 8000), failed(PENDING, "http_503"), None))
    clock.pass_(10)
    source.failure = "Ray answers 500"
    bridge.poller.refresh()
    golden = families(GOLDEN.read_text("utf-8").replace("VERSION", __version__))
    found = families(generate_latest(bridge.registry).decode())
    assert found == golden


@pytest.mark.parametrize("change", ['node="M1",node_ip="127.0.0.1"} 1.0', "# HELP castray_bridge_nodes Living"])
def test_comparison_with_the_golden_scrape_sees_a_change(change: str) -> None:
    text = GOLDEN.read_text("utf-8")
    assert change in text
    assert families(text.replace(change, change.replace("1.0", "0.0").replace("Living", "All"))) != families(text)
