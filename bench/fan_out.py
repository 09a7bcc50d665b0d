"""The full fan-out: this bridge's thread pool against asyncio+aiohttp with a session per node, as CastRay did."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from statistics import median
from typing import Final

import aiohttp

from bench.row import Benches, Row
from castray_bridge.probes.pool import WorkerPool
from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.status import ProbeResult
from castray_bridge.snapshot.store import SnapshotStore
from castray_bridge.sources.cluster import Cluster, Node
from exporter.states import IDLE
from servicekit.address import Address
from servicekit.clock import SystemClock
from testkit.fake_fleet import fleet

_ROUNDS: Final = 15
_BASELINE: Final = "aiohttp, session per node"


class Sweeper:
    """A worker pool whose threads run already, as in a bridge; a context manager."""

    def __init__(self, addresses: list[Address]) -> None:
        self._addresses = addresses
        nodes = tuple(Node(str(address), address.host, str(address), True, {}) for address in addresses)
        self._store = SnapshotStore(SystemClock(), IDLE.name)
        self._store.set_cluster(Cluster(nodes), addresses)
        self._times: list[float] = []
        self._complete = threading.Event()
        self._begun = 0.0
        self._round = 0
        # No node becomes due a second time while this lasts.
        self._pool = WorkerPool(ProbeSettings(refresh=60.0), self._take, SystemClock())

    def __enter__(self) -> Sweeper:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def sweep(self) -> list[float]:
        """Probe every node once; return when each result was published, in seconds, the first one first."""
        self._times = []
        self._complete.clear()
        self._round += 1
        self._begun = time.perf_counter()
        # Another id means that the node was replaced: it is probed at once.
        self._pool.set_targets(dict.fromkeys(self._addresses, str(self._round)))
        self._complete.wait(30)
        return sorted(self._times)

    def _take(self, result: ProbeResult) -> None:
        self._store.publish(result)
        self._times.append(time.perf_counter() - self._begun)
        if len(self._times) == len(self._addresses):
            self._complete.set()


async def _sessions(addresses: list[Address]) -> float:
    async def one(address: Address) -> None:
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session,
                session.get(f"http://{address}/api/status") as reply,
            ):
                await reply.json()
        except (aiohttp.ClientError, asyncio.TimeoutError):
            return  # CastRay took that for idle

    begun = time.perf_counter()
    await asyncio.gather(*(one(address) for address in addresses))
    return time.perf_counter() - begun


def _compare(count: int, target: str) -> list[Row]:
    ours, theirs = [], []
    with fleet(count) as addresses, Sweeper(addresses) as pool:
        pool.sweep()
        for _ in range(_ROUNDS if count < 500 else 5):
            ours.append(pool.sweep()[-1])
            theirs.append(asyncio.run(_sessions(addresses)))
    return [
        Row(
            f"fan-out, {count} nodes",
            1000 * median(ours),
            "ms",
            target,
            _BASELINE,
            1000 * median(theirs),
            "fan-out",
            count,
        )
    ]


def _hanging() -> list[Row]:
    healthy, ends, theirs = [], [], []
    with fleet(23, 5) as addresses, Sweeper(addresses) as pool:
        pool.sweep()
        for _ in range(5):
            times = pool.sweep()
            healthy.append(times[17])
            ends.append(times[-1])
            theirs.append(asyncio.run(_sessions(addresses)))
    baseline = (f"{_BASELINE}: whole round", 1000 * median(theirs))
    return [
        Row("23 nodes, 5 hanging: other 18 published", 1000 * median(healthy), "ms", "<= 20", *baseline),
        Row("23 nodes, 5 hanging: end of the round", 1000 * median(ends), "ms", "<= 1050", *baseline),
    ]


def _all_hang(count: int, target: str) -> list[Row]:
    with fleet(count, count) as addresses, Sweeper(addresses) as pool:
        ours, theirs = pool.sweep()[-1], asyncio.run(_sessions(addresses))
    return [Row(f"{count} nodes, all hanging: end of the round", 1000 * ours, "ms", target, _BASELINE, 1000 * theirs)]


def _sized(count: int, target: str) -> Callable[[], list[Row]]:
    return lambda: _compare(count, target)


BENCHES: Benches = {
    "fan-out-10": _sized(10, ""),
    "fan-out-23": _sized(23, "<= 8 and <= 0.8 x baseline"),
    "fan-out-100": _sized(100, ""),
    "fan-out-300": _sized(300, ""),
    "fan-out-1000": _sized(1000, "<= 0.5 x baseline"),
    "hanging-5-of-23": _hanging,
    "hanging-100": lambda: _all_hang(100, "<= 1200"),
    "hanging-500": lambda: _all_hang(500, "<= 2500"),
}
