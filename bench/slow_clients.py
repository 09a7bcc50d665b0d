"""Ordinary requests beside 500 slow clients of each kind, at the monitor and at the bridge."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests

from bench.row import Benches, Row
from testkit.fake_fleet import fleet
from testkit.fake_ray import fake_ray
from testkit.net import wait_for
from testkit.running import RunningBridge, RunningMonitor, Service
from testkit.slow_clients import Begin, allow_descriptors, crowd, idle, slow_body, slow_header, slow_reader, slowest

_CLIENTS: Final = 500
_SECONDS: Final = 2.0
_RUSH_SECONDS: Final = 1.0
"""Until the first requests of so many clients have their replies; from then on the clients are only slow."""
_NODES: Final = 23


@contextmanager
def _monitor(directory: Path) -> Iterator[Service]:
    with RunningMonitor(directory, "--log-level", "error") as monitor:
        for _ in range(200):
            monitor.report(status="sending")  # so that there is something to read slowly
        yield monitor


@contextmanager
def _bridge(directory: Path) -> Iterator[Service]:
    with fleet(_NODES) as addresses, fake_ray(_NODES, directory) as (ray, _):
        options = ("--ray-dashboard", ray, "--monitor-port", str(addresses[0].port), "--log-level", "error")
        with RunningBridge(directory, *options) as bridge:
            wait_for(lambda: bridge.get("/api/ray-dashboard").ok, "the list of nodes")
            yield bridge


def _beside(service: Service, begin: Begin, path: str) -> tuple[float, float]:
    """Return the milliseconds of the slowest ordinary request alone, and beside the crowd."""
    with requests.Session() as session:

        def request() -> None:
            session.get(service.url + path, timeout=10).raise_for_status()

        request()
        alone = slowest(request, _SECONDS / 2)
        with crowd(service, _CLIENTS, begin):
            time.sleep(_RUSH_SECONDS)
            return 1000 * alone, 1000 * slowest(request, _SECONDS)


def _measure(name: str, start: contextlib.AbstractContextManager[Service], path: str, large: str) -> list[Row]:
    allow_descriptors(4 * _CLIENTS)
    kinds = {"header": slow_header, "body": slow_body, "idle": idle, "reader": slow_reader(large)}
    rows = []
    with start as service:
        for kind, begin in kinds.items():
            alone, beside = _beside(service, begin, path)
            what = f"{name}, {_CLIENTS} slow clients ({kind}): slowest ordinary request"
            rows.append(Row(what, beside, "ms", "<= 100", "without them", alone))
    return rows


def _at_monitor() -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        return _measure("monitor", _monitor(Path(directory)), "/api/status", "/api/alerts?limit=200")


def _at_bridge() -> list[Row]:
    with tempfile.TemporaryDirectory() as directory:
        return _measure("bridge", _bridge(Path(directory)), "/api/ray-dashboard", "/api/ray-dashboard")


BENCHES: Benches = {"monitor-crowds": _at_monitor, "bridge-crowds": _at_bridge}
