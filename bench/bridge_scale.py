"""What many nodes cost the bridge, healthy, hanging or hostile, and how old its news gets."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from statistics import median
from typing import Final

from bench.bridge import Bridge, over_fleet
from bench.fan_out import Sweeper, fleet
from bench.row import Benches, Row

_SECONDS: Final = 20.0
_HOSTILE: Final = 35


def _ages(bridge: Bridge) -> list[float]:
    """Return how old the news of each node that answers is, in seconds; nodes say when they answered."""
    nodes = bridge.nodes()
    now = datetime.now(timezone.utc)
    told = [node["workStatusTimestamp"] for node in nodes if node["workStatusReachable"]]
    return [(now - datetime.fromisoformat(at)).total_seconds() for at in told]


def _hanging() -> list[Row]:
    oldest, lost = [], 0
    with over_fleet(1000, 300) as bridge:
        time.sleep(5)
        used, begun = bridge.cpu_seconds(), time.monotonic()
        while time.monotonic() - begun < _SECONDS:
            ages = _ages(bridge)
            oldest.append(max(ages))
            lost = max(lost, 700 - len(ages))
            time.sleep(0.5)
        share = 100 * (bridge.cpu_seconds() - used) / (time.monotonic() - begun)
    name = "1000 nodes, 300 hanging"
    return [
        Row(f"{name}: oldest news of a healthy node", max(oldest), "s", "<= 2"),
        Row(f"{name}: oldest news, median over time", median(oldest), "s", ""),
        Row(f"{name}: healthy nodes shown as unreachable", lost, "nodes", "== 0"),
        Row(f"{name}: CPU of the bridge", share, "% of a core", "<= 60"),
    ]


def _cpu() -> list[Row]:
    rows = []
    for count in (23, 100, 300, 1000):
        with over_fleet(count) as bridge:
            time.sleep(3)
            used, begun = bridge.cpu_seconds(), time.monotonic()
            time.sleep(8)
            share = 100 * (bridge.cpu_seconds() - used) / (time.monotonic() - begun)
            memory = bridge.megabytes()
        rows.append(Row(f"bridge, {count} healthy nodes: CPU", share, "% of a core", "", "", None, "bridge-cpu", count))
        rows.append(Row(f"bridge, {count} healthy nodes: memory", memory, "MB", ""))
    return rows


def _hostile() -> list[Row]:
    name = f"{_HOSTILE} hostile nodes"
    with fleet(_HOSTILE + 5, _HOSTILE, "hostile") as addresses, Sweeper(addresses) as pool:
        longest = max(pool.sweep()[-1] for _ in range(3))
    with over_fleet(_HOSTILE + 5, _HOSTILE, "hostile") as bridge:
        time.sleep(3)
        before, begun, oldest = bridge.megabytes(), time.monotonic(), 0.0
        while time.monotonic() - begun < 12:
            oldest = max(oldest, *_ages(bridge))
            time.sleep(0.2)
        grown = bridge.megabytes() - before
    return [
        Row(f"{name}: longest question", 1000 * longest, "ms", "<= 1100"),
        Row(f"{name}: memory grown in 12 s", grown, "MB", "<= 5"),
        Row(f"{name}: oldest news of the 5 others", oldest, "s", "<= 2"),
    ]


BENCHES: Benches = {"bridge-1000-hanging-300": _hanging, "bridge-cpu": _cpu, "bridge-hostile": _hostile}
