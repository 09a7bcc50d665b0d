"""How many viewers the bridge serves, and how soon, beside the old CastRay; also while Ray is frozen."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import quantiles
from typing import Final

import psutil
import requests

from bench.bridge import Bridge, over_fleet
from bench.row import Benches, Row
from bench.wrk import Load, load
from testkit.net import free_port, get_json, wait_for
from testkit.process import Process, module

_PATH: Final = "/api/ray-dashboard"
_BASELINE: Final = "FastAPI, fan-out per request"
_CONNECTIONS: Final = (1, 10, 50, 200)
_QUESTIONS: Final = 150
_PATHS: Final = ("/", _PATH, "/api/health", "/metrics", "/sd/prometheus", "/api/nodes/unified", "/api/nodes/M1/status")


@contextmanager
def _castray(bridge: Bridge) -> Iterator[str]:
    port = free_port()
    command = [*module("bench.castray"), str(port), bridge.ray_url, str(bridge.monitor_port)]
    with Process(command, bridge.directory / "castray.log"):
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: get_json(url + _PATH), "the baseline", 20)
        yield url


def _viewers() -> list[Row]:
    rows = []
    with over_fleet(23, 3) as bridge, _castray(bridge) as castray:
        for connections in _CONNECTIONS:
            load(bridge.url + _PATH, connections, 1)  # threads that serve many viewers begin with them
            ours, theirs = load(bridge.url + _PATH, connections, 4), load(castray + _PATH, connections, 4)
            rows += _compare(connections, ours, theirs)
        rows += _revalidated(load(bridge.url + _PATH, 200, 4, revalidate=True))
    return rows


def _compare(connections: int, ours: Load, theirs: Load) -> list[Row]:
    name, promised = f"GET {_PATH}, 23 nodes, 3 hanging, {connections} connections", connections == 50
    latest = {50: "<= 60", 200: "<= 100"}.get(connections, "")
    pace = Row(
        f"{name}: rate", ours.per_second, "req/s", ">= 1500" if promised else "", _BASELINE, theirs.per_second,
        "viewers", connections,
    )  # fmt: skip
    late = Row(f"{name}: p99", ours.p99_ms, "ms", latest, _BASELINE, theirs.p99_ms)
    failed = Row(f"{name}: failed", ours.failed, "requests", "== 0", _BASELINE, theirs.failed)
    return [pace, late, failed]


def _revalidated(ours: Load) -> list[Row]:
    """Return what clients that have the list already get of the bridge; the baseline has no entity tags."""
    name = f"GET {_PATH} with If-None-Match, 23 nodes, 3 hanging, 200 connections"
    return [
        Row(f"{name}: rate", ours.per_second, "req/s", ">= 5000"),
        Row(f"{name}: p99", ours.p99_ms, "ms", "<= 100"),
        Row(f"{name}: failed", ours.failed, "requests", "== 0"),
    ]


def _ray_frozen() -> list[Row]:
    with over_fleet(23) as bridge:
        psutil.Process(bridge.ray.pid).send_signal(signal.SIGSTOP)
        time.sleep(3)  # the requests to Ray hang by now
        slowest = {path: _p99(bridge.url + path) for path in _PATHS}
        psutil.Process(bridge.ray.pid).send_signal(signal.SIGCONT)
    path, worst = max(slowest.items(), key=lambda item: item[1])
    return [Row(f"Ray frozen, slowest of {len(_PATHS)} endpoints ({path}): p99", worst, "ms", "<= 50")]


def _p99(url: str) -> float:
    times = []
    with requests.Session() as session:
        for _ in range(_QUESTIONS):
            begun = time.perf_counter()
            session.get(url, timeout=10)  # health and service discovery answer 503 meanwhile, as they should
            times.append(1000 * (time.perf_counter() - begun))
    return quantiles(times, n=100)[98]


BENCHES: Benches = {"bridge-viewers": _viewers, "bridge-ray-frozen": _ray_frozen}
