"""What a node's monitor costs and bears, beside node_exporter and a FastAPI service of the same reply."""

from __future__ import annotations

import http.client
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Final, NamedTuple

import psutil
import requests

from bench.row import Benches, Row
from bench.wrk import load
from demo.binaries import advice, find
from demo.net import free_port, wait_for
from demo.process import Process, module
from demo.stack import get_json

AS_THE_UNIT: Final = {"PYTHONOPTIMIZE": "2"}
"""What `systemd/cm-zsb-monitor.service` sets."""
_IDLE_SECONDS: Final = 20.0
_SCRAPE_SECONDS: Final = 5.0
_THREADS: Final = 8
_STATUS: Final = "/api/status"
_UPDATE: Final = "/api/update_status"
_JSON: Final = {"Content-Type": "application/json"}


class Service(NamedTuple):
    """A running service and its process."""

    url: str
    process: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        return float(sum(self.process.cpu_times()[:2]))

    def megabytes(self) -> float:
        """Return its memory, what it shares with others counted in part (PSS)."""
        return float(self.process.memory_full_info().pss) / 1e6


@contextmanager
def service(
    command: Sequence[str | Path], port: int, ready: str, log: Path, environment: dict[str, str] | None = None
) -> Iterator[Service]:
    """Run `command`, wait until it answers at the path `ready`, and yield it."""
    with Process(command, log, environment) as process:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: requests.get(url + ready, timeout=5).ok, "an answer", 20)
        yield Service(url, psutil.Process(process.pid))


@contextmanager
def monitor() -> Iterator[Service]:
    """Run a real monitor with a state directory of its own."""
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        command = module("exporter", "--listen", f"127.0.0.1:{port}", "--log-level", "error", "--state-dir", directory)
        with service(command, port, "/api/health", Path(directory) / "log", AS_THE_UNIT) as running:
            yield running


@contextmanager
def _node_exporter() -> Iterator[Service]:
    program = find("prometheus-node-exporter")
    if program is None:
        raise RuntimeError(advice("prometheus-node-exporter"))
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        command = [program, f"--web.listen-address=127.0.0.1:{port}"]
        with service(command, port, "/metrics", Path(directory) / "log") as running:
            yield running


def _idle_cost(running: Service, *, asked_each_second: bool) -> tuple[float, float]:
    """Return MB and percent of a core of a service that is scraped, and asked as a bridge asks at its most."""
    with requests.Session() as session:
        session.get(f"{running.url}/metrics", timeout=10)
        used, begun = running.cpu_seconds(), time.monotonic()
        for second in range(int(_IDLE_SECONDS)):
            if second % _SCRAPE_SECONDS == 0:
                session.get(f"{running.url}/metrics", timeout=10)
            if asked_each_second:
                requests.get(running.url + _STATUS, timeout=10)
            time.sleep(max(0.0, begun + second + 1 - time.monotonic()))
        return running.megabytes(), 100 * (running.cpu_seconds() - used) / (time.monotonic() - begun)


def _idle() -> list[Row]:
    with monitor() as ours:
        memory, cpu = _idle_cost(ours, asked_each_second=True)
    with _node_exporter() as theirs:
        other_memory, other_cpu = _idle_cost(theirs, asked_each_second=False)
    what = "monitor, scraped every 5 s and asked every second"
    return [
        Row(f"{what}: memory (PSS)", memory, "MB", "<= 32", "node_exporter, scraped", other_memory),
        Row(f"{what}: CPU", cpu, "% of a core", "<= 1", "node_exporter, scraped", other_cpu),
    ]


def _throughput() -> list[Row]:
    port = free_port()
    with tempfile.TemporaryDirectory() as directory, monitor() as ours:
        baseline = module("bench.fastapi_status", str(port))
        with service(baseline, port, _STATUS, Path(directory) / "log") as theirs:
            rates, latest = [], []
            for running in (ours, theirs):
                running.process.cpu_affinity([0])
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
        self.refused = 0
        self._address = url.removeprefix("http://")
        count = min(_THREADS, per_second)
        pace = per_second / count
        threads = [
            threading.Thread(target=self._post, args=(pace, int(pace * seconds), number / per_second))
            for number in range(count)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _post(self, pace: float, count: int, offset: float) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=10)
        begun = time.monotonic() + offset
        for number in range(count):
            time.sleep(max(0.0, begun + number / pace - time.monotonic()))
            sent = time.monotonic()
            connection.request("POST", _UPDATE, b'{"status": "sending"}', _JSON)
            reply = connection.getresponse()
            reply.read()
            self.milliseconds.append(1000 * (time.monotonic() - sent))
            self.refused += reply.status >= 300
        connection.close()


def _reports() -> list[Row]:
    rows = []
    for pace, seconds in ((1, 4.0), (10, 4.0), (100, 4.0), (1000, 60.0)):
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
            return running.megabytes(), running.process.num_fds(), running.process.num_threads()

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
