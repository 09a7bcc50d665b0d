"""What a node's monitor costs and how much it takes, beside node_exporter and a FastAPI service of the same reply."""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import requests

from bench.row import Benches, Row
from bench.wrk import load
from castray_bridge.probes.pool import WorkerPool
from castray_bridge.probes.schedule import ProbeSettings
from servicekit.address import Address
from servicekit.clock import SystemClock
from testkit.binaries import advice, find
from testkit.net import free_port, get_json
from testkit.process import module
from testkit.running import RunningMonitor, RunningProgram, Service

AS_THE_UNIT: Final = {
    "PYTHONOPTIMIZE": "2",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "MALLOC_MMAP_THRESHOLD_": "65536",
}
"""What `systemd/cm-zsb-monitor.service` sets."""
ON_ONE_CORE: Final = ("taskset", "-c", "0")
"""Before the command, as the threads of a running process would each keep the cores that they have."""
_IDLE_SECONDS: Final = 20.0
_SCRAPE_SECONDS: Final = 5.0
_THREADS: Final = 8
_STATUS: Final = "/api/status"
_UPDATE: Final = "/api/update_status"
_JSON: Final = {"Content-Type": "application/json"}


class _AsCommand(RunningMonitor):
    """As the unit starts it."""

    module = "exporter.without_openssl"


@contextmanager
def monitor(prefix: Sequence[str] = ()) -> Iterator[RunningMonitor]:
    """Run a real monitor with a state directory of its own; its command comes after `prefix`."""
    with (
        tempfile.TemporaryDirectory() as directory,
        _AsCommand(Path(directory), "--log-level", "error", command_prefix=prefix, environment=AS_THE_UNIT) as running,
    ):
        yield running


@contextmanager
def _node_exporter() -> Iterator[Service]:
    program = find("prometheus-node-exporter")
    if program is None:
        raise RuntimeError(advice("prometheus-node-exporter"))
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        command = [program, f"--web.listen-address=127.0.0.1:{port}"]
        with RunningProgram(command, port, "/metrics", Path(directory) / "log") as running:
            yield running


@contextmanager
def _asked_by_a_bridge(running: Service) -> Iterator[None]:
    """Probe as a bridge does: one long poll after the other."""
    host, _, port = running.address.partition(":")
    pool = WorkerPool(ProbeSettings(), lambda result: None, SystemClock())
    try:
        pool.set_targets({Address(host, int(port)): "M5"})
        yield
    finally:
        pool.close()


def _cost_at_rest(running: Service) -> tuple[float, float]:
    """Return MB and percent of a core of a service that is scraped every five seconds."""
    with requests.Session() as session:
        session.get(f"{running.url}/metrics", timeout=10)
        used, begun = running.cpu_seconds(), time.monotonic()
        while (passed := time.monotonic() - begun) < _IDLE_SECONDS:
            session.get(f"{running.url}/metrics", timeout=10)
            time.sleep(_SCRAPE_SECONDS)
        return running.megabytes(), 100 * (running.cpu_seconds() - used) / passed


def _idle() -> list[Row]:
    with monitor() as ours, _asked_by_a_bridge(ours):
        memory, cpu = _cost_at_rest(ours)
    with _node_exporter() as theirs:
        other_memory, other_cpu = _cost_at_rest(theirs)
    what = "monitor, scraped every 5 s and asked by a bridge"
    return [
        Row(f"{what}: memory (PSS)", memory, "MB", "<= 32", "node_exporter, scraped", other_memory),
        Row(f"{what}: CPU", cpu, "% of a core", "<= 1", "node_exporter, scraped", other_cpu),
    ]


def _throughput() -> list[Row]:
    port = free_port()
    with tempfile.TemporaryDirectory() as directory, monitor(ON_ONE_CORE) as ours:
        baseline = [*ON_ONE_CORE, *module("bench.fastapi_status", str(port))]
        with RunningProgram(baseline, port, _STATUS, Path(directory) / "log") as theirs:
            rates, latest = [], []
            for running in (ours, theirs):
                load(running.url + _STATUS, 8, 1, cpu=1)
                found = load(running.url + _STATUS, 8, 5, cpu=1)
                rates.append(found.per_second)
                latest.append(found.p99_ms)
    what, other = f"monitor on one core: GET {_STATUS}, 8 connections", "FastAPI+uvicorn"
    return [
        Row(f"{what}: rate", rates[0], "req/s", ">= 1 x baseline", other, rates[1]),
        Row(f"{what}: p99", latest[0], "ms", "", other, latest[1]),
    ]


class _Posts:
    """Reports at a steady pace over a few connections that stay open, as reporters keep theirs."""

    def __init__(self, url: str, per_second: int, seconds: float) -> None:
        self.milliseconds: list[float] = []
        """From when each report was due, not from when it was sent: a slow monitor must not set the pace."""
        self.refused = 0
        self._address = url.removeprefix("http://")
        count = min(_THREADS, per_second)
        pace = per_second / count
        threads = [
            threading.Thread(target=self._post, args=(pace, int(pace * seconds), number / per_second))
            for number in range(count)
        ]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.per_second = len(self.milliseconds) / (time.monotonic() - begun)

    def _post(self, pace: float, count: int, offset: float) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=10)
        begun = time.monotonic() + offset
        for number in range(count):
            due = begun + number / pace
            time.sleep(max(0.0, due - time.monotonic()))
            connection.request("POST", _UPDATE, b'{"status": "sending"}', _JSON)
            reply = connection.getresponse()
            reply.read()
            self.milliseconds.append(1000 * (time.monotonic() - due))
            self.refused += reply.status >= 300
        connection.close()


def _reports() -> list[Row]:
    rows = []
    for pace, seconds in ((1, 8.0), (10, 8.0), (100, 6.0), (1000, 60.0)):
        with monitor() as running:
            used, begun = running.cpu_seconds(), time.monotonic()
            posts = _Posts(running.url, pace, seconds)
            share = 100 * (running.cpu_seconds() - used) / (time.monotonic() - begun)
            counted = get_json(running.url + _STATUS)["stats"]["sent_to_server"]
        rows.append(Row(f"monitor, {pace} reports/s: CPU", share, "% of a core", "", "", None, "reports", pace))
    what = "monitor, 1000 reports/s for 60 s"
    late = posts.milliseconds
    return [
        *rows,
        Row(f"{what}: taken in", posts.per_second, "reports/s", ">= 990"),
        Row(f"{what}: refused", posts.refused, "reports", "== 0"),
        Row(f"{what}: p99", quantiles(late, n=100)[98], "ms", "<= 20"),
        Row(f"{what}: median", median(late), "ms", ""),
        Row(f"{what}: sent and not counted, or the other way", abs(counted - len(late)), "reports", "== 0"),
    ]


def _scrapes() -> list[Row]:
    with monitor() as running, requests.Session() as session:

        def scrape(times: int) -> tuple[float, int, int]:
            for _ in range(times):
                session.get(f"{running.url}/metrics", timeout=10).raise_for_status()
            return running.megabytes(), running.descriptors(), running.threads()

        before, after = scrape(200), scrape(10_000)
    grown = [late - early for early, late in zip(before, after, strict=True)]
    return [
        Row("10,000 scrapes: memory grown", grown[0], "MB", "<= 5"),
        Row("10,000 scrapes: descriptors more", grown[1], "", "<= 2"),
        Row("10,000 scrapes: threads more", grown[2], "", "<= 2"),
    ]


BENCHES: Benches = {
    "monitor-idle": _idle,
    "monitor-throughput": _throughput,
    "monitor-reports": _reports,
    "monitor-scrapes": _scrapes,
}
