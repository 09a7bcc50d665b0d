"""What many nodes cost the bridge, healthy, hanging or hostile, and how old its data get."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import datetime, timezone
from statistics import median
from typing import Final

from bench.bridge import Bridge, over_fleet
from bench.fan_out import Sweeper
from bench.row import Benches, Row
from servicekit.address import Address
from testkit.fake_fleet import fleet
from testkit.process import module

_SECONDS: Final = 20.0
_HOSTILE: Final = 35
_GIVEN_UP: Final = 5.0
_REQUESTS: Final = f"requests.get(timeout=1), given up after {_GIVEN_UP:g} s"


def _ages(bridge: Bridge) -> list[float]:
    """Return how old the data of each reachable node are, in seconds; the timestamps are the nodes' own."""
    nodes = bridge.nodes().values()
    now = datetime.now(timezone.utc)
    replied = [node["workStatusTimestamp"] for node in nodes if node["workStatusReachable"]]
    return [(now - datetime.fromisoformat(at)).total_seconds() for at in replied]


def _baseline(bridge: Bridge, count: int) -> tuple[float, float]:
    """Return the age of the oldest data (seconds) and the CPU (percent of a core) of probing as CastRay did."""
    command = [*module("bench.baseline_aiohttp"), str(bridge.monitor_port), str(count), str(_SECONDS / 2)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return float(said["oldest"]), float(said["cpu"])


def _hanging() -> list[Row]:
    oldest, lost = [], 0
    with over_fleet(1000, 300) as bridge:
        time.sleep(5)
        threads = bridge.threads()
        used, begun = bridge.cpu_seconds(), time.monotonic()
        while time.monotonic() - begun < _SECONDS:
            ages = _ages(bridge)
            oldest.append(max(ages))
            lost = max(lost, 700 - len(ages))
            time.sleep(0.5)
        share = 100 * (bridge.cpu_seconds() - used) / (time.monotonic() - begun)
        more_threads = bridge.threads() - threads
        bridge.process.kill()  # the baseline has the machine for itself too
        their_oldest, their_share = _baseline(bridge, 1000)
    name, other = "1000 nodes, 300 hanging", "aiohttp, session per node, each second"
    return [
        Row(f"{name}: oldest news of a healthy node", max(oldest), "s", "<= 2", other, their_oldest),
        Row(f"{name}: oldest news, median over time", median(oldest), "s", ""),
        Row(f"{name}: healthy nodes shown as unreachable", lost, "nodes", "== 0"),
        Row(f"{name}: CPU of the bridge", share, "% of a core", "<= 60", other, their_share),
        Row(f"{name}: threads more after {_SECONDS:g} s", more_threads, "", "<= 0"),
    ]


def _cpu() -> list[Row]:
    rows = []
    for count in (10, 23, 100, 300, 1000):
        with over_fleet(count) as bridge:
            time.sleep(3)
            used, begun = bridge.cpu_seconds(), time.monotonic()
            time.sleep(8)
            share = 100 * (bridge.cpu_seconds() - used) / (time.monotonic() - begun)
            memory = bridge.megabytes()
        rows.append(Row(f"bridge, {count} healthy nodes: CPU", share, "% of a core", "", "", None, "bridge-cpu", count))
        rows.append(Row(f"bridge, {count} healthy nodes: memory", memory, "MB", ""))
    return rows


def _with_requests(addresses: list[Address]) -> tuple[float, float]:
    """Return the seconds of the longest request, and the megabytes, of probing with `requests`."""
    command = [*module("bench.with_requests"), str(_GIVEN_UP), *map(str, addresses)]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return float(said["longest"]), float(said["megabytes"])


def _hostile() -> list[Row]:
    name = f"{_HOSTILE} hostile nodes"
    with fleet(_HOSTILE + 5, _HOSTILE, "hostile") as addresses, Sweeper(addresses) as pool:
        longest = max(pool.sweep()[-1] for _ in range(3))
        theirs, their_memory = _with_requests(addresses[5:])
    with over_fleet(_HOSTILE + 5, _HOSTILE, "hostile") as bridge:
        time.sleep(3)
        before, begun, oldest = bridge.megabytes(), time.monotonic(), 0.0
        while time.monotonic() - begun < 12:
            oldest = max(oldest, *_ages(bridge))
            time.sleep(0.2)
        grown = bridge.megabytes() - before
    return [
        Row(f"{name}: longest question", 1000 * longest, "ms", "<= 1100", _REQUESTS, 1000 * theirs),
        Row(f"{name}: memory grown in 12 s", grown, "MB", "<= 5", _REQUESTS, their_memory),
        Row(f"{name}: oldest news of the 5 others", oldest, "s", "<= 2"),
    ]


BENCHES: Benches = {"bridge-1000-hanging-300": _hanging, "bridge-cpu": _cpu, "bridge-hostile": _hostile}
