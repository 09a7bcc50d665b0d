"""What `report()` costs the inference thread, with the monitor up, refusing and hanging; baseline requests.post."""

from __future__ import annotations

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

import requests

from bench.row import Benches, Row
from demo.net import free_port, wait_for
from demo.process import Process, module
from demo.stack import get_json
from exporter.reporter import StatusReporter

_CALLS = 20_000
_POSTS = 300


@contextmanager
def monitor() -> Iterator[str]:
    """Run a real monitor and yield its root."""
    with tempfile.TemporaryDirectory() as directory:
        address = f"127.0.0.1:{free_port()}"
        command = [*module("exporter", "--listen", address), "--state-dir", directory, "--log-level", "error"]
        with Process(command, Path(directory) / "log"):
            url = f"http://{address}"
            wait_for(lambda: get_json(f"{url}/api/health"), "the monitor", 20)
            yield url


@contextmanager
def hanging() -> Iterator[str]:
    """Yield the root of something that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def _calls(url: str) -> list[float]:
    """Return the duration of each call in microseconds, at the pace of a fast inference (1 ms between calls)."""
    times = []
    with StatusReporter(url) as reporter:
        for number in range(_CALLS):
            begun = time.perf_counter_ns()
            reporter.report("detecting" if number % 2 else "idle", task="frame")
            times.append((time.perf_counter_ns() - begun) / 1000)
            if number % 20 == 0:
                time.sleep(0.001)
    return times


def _posts(url: str) -> list[float]:
    times = []
    for number in range(_POSTS):
        begun = time.perf_counter_ns()
        requests.post(f"{url}/api/update_status", json={"status": "detecting", "message": str(number)}, timeout=5)
        times.append((time.perf_counter_ns() - begun) / 1000)
    return times


def _rows(name: str, times: list[float], baseline: list[float] | None = None) -> list[Row]:
    more = ("requests.post", median(baseline)) if baseline else ()
    return [
        Row(f"report(), {name}: median", median(times), "µs", "<= 5", *more),
        Row(f"report(), {name}: p99", quantiles(times, n=100)[98], "µs", "<= 50"),
        Row(f"report(), {name}: max", max(times), "µs", "<= 5000"),
    ]


def _up() -> list[Row]:
    with monitor() as url:
        return _rows("monitor up", _calls(url), _posts(url))


def _refused() -> list[Row]:
    return _rows("refused", _calls(f"http://127.0.0.1:{free_port()}"))


def _hangs() -> list[Row]:
    with hanging() as url:
        return _rows("hanging", _calls(url))


BENCHES: Benches = {"reporter-up": _up, "reporter-refused": _refused, "reporter-hanging": _hangs}
