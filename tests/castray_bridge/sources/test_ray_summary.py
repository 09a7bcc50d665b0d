"""The summary of a cluster."""

from __future__ import annotations

from typing import Any

import pytest

from castray_bridge.sources.ray_summary import gib, summary
from testkit.sources import node

GIB = 1024**3
NODES = (
    node("M1", "10.0.0.1", isHeadNode=True),
    node("M2", "10.0.0.2", isHeadNode=False),
    node("M3", "10.0.0.3", alive=False, isHeadNode=True),
)
LIVING = [
    {"CPU": 2.0, "memory": 4.0 * GIB, "M1": 1.0},
    {"CPU": 6, "GPU": 1, "memory": 12 * GIB, "object_store_memory": GIB},
]


def test_nodes_are_counted() -> None:
    found = summary(NODES, LIVING, None)
    assert (found["totalNodes"], found["aliveNodes"], found["deadNodes"], found["headNodes"]) == (3, 2, 1, 1)


def test_totals_are_the_living_nodes_and_use_is_the_autoscalers() -> None:
    usage = {"CPU": [2.0, 99.0], "memory": [4.0 * GIB, 99 * GIB], "objectStoreMemory": [GIB / 2, GIB]}
    found = summary(NODES, LIVING, usage)
    assert found["usageKnown"] is True
    assert found["resources"]["cpu"] == {"total": 8, "used": 2.0, "available": 6.0, "usagePercent": 25.0}
    assert (found["resources"]["memory"]["totalGB"], found["resources"]["memory"]["usedGB"]) == (16.0, 4.0)
    assert found["resources"]["objectStore"]["usagePercent"] == 50.0
    assert found["resources"]["gpu"]["total"] == 1


@pytest.mark.parametrize("usage", [None, {}, [], "usage"])
def test_without_a_report_the_use_is_unknown_and_the_totals_stay(usage: Any) -> None:
    found = summary(NODES, LIVING, usage)
    assert found["usageKnown"] is False
    assert found["resources"]["cpu"] == {"total": 8, "used": 0, "available": 8, "usagePercent": 0}


@pytest.mark.parametrize("pair", [None, [], ["x"], 7, [True], [9.0]])
def test_use_is_a_number_within_the_total(pair: Any) -> None:
    cpu = summary(NODES, LIVING, {"CPU": pair})["resources"]["cpu"]
    assert cpu["used"] == (8 if pair == [9.0] else 0)


def test_empty_cluster_has_no_use() -> None:
    assert summary((), [], None)["resources"]["cpu"] == {"total": 0, "used": 0, "available": 0, "usagePercent": 0}


@pytest.mark.parametrize(("value", "shown"), [(GIB, 1.0), (1.5 * GIB, 1.5), (None, 0), ("x", 0)])
def test_bytes_are_shown_in_gib(value: Any, shown: float) -> None:
    assert gib(value) == shown
