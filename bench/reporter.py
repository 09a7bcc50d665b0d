"""What `report()` costs the inference thread, whatever the monitor does; baseline requests.post."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.connection import Connection
from statistics import median, quantiles

import requests

from bench.monitor import monitor
from bench.row import Benches, Row
from exporter.reporter import StatusReporter
from testkit.hostile import endless, serving, silent
from testkit.net import free_port

_CALLS = 20_000
_BURST = 20
_PAUSE = 0.001
"""Seconds between two bursts of calls: the reporter's thread gets its turns, as beside a model."""
_POSTS = 500


def _calls(reporter: StatusReporter) -> list[float]:
    """Return the duration of each call in microseconds."""
    times = []
    for number in range(_CALLS):
        begun = time.perf_counter_ns()
        reporter.report("detecting" if number % 2 else "idle", task="frame")
        times.append((time.perf_counter_ns() - begun) / 1000)
        if number % _BURST == 0:
            time.sleep(_PAUSE)
    return times


def _calls_to(url: str) -> list[float]:
    with StatusReporter(url) as reporter:
        return _calls(reporter)


def _calls_after_fork(url: str) -> list[float]:
    """Return those of a child forked while the reporter's thread works for its parent."""
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe(duplex=False)
    with StatusReporter(url) as reporter:
        for _ in range(_BURST):
            reporter.report("detecting")
        child = fork.Process(target=_tell_calls, args=(reporter, theirs))
        child.start()
        theirs.close()  # so that a child that fails is an end of file, not a wait
        times: list[float] = ours.recv()
        child.join()
    return times


def _tell_calls(reporter: StatusReporter, parent: Connection) -> None:
    parent.send(_calls(reporter))


def _posts(url: str) -> list[float]:
    times = []
    for number in range(_POSTS):
        begun = time.perf_counter_ns()
        requests.post(f"{url}/api/update_status", json={"status": "detecting", "message": str(number)}, timeout=5)
        times.append((time.perf_counter_ns() - begun) / 1000)
    return times


def _rows(name: str, times: list[float], baseline: list[float] | None = None) -> list[Row]:
    beside_median = ("requests.post", median(baseline)) if baseline else ()
    beside_p99 = ("requests.post", _p99(baseline)) if baseline else ()
    return [
        Row(f"report(), {name}: median", median(times), "µs", "<= 5", *beside_median),
        Row(f"report(), {name}: p99", _p99(times), "µs", "<= 50", *beside_p99),
        Row(f"report(), {name}: max", max(times), "µs", "<= 5000"),
    ]


def _p99(times: list[float]) -> float:
    return quantiles(times, n=100)[98]


def _up() -> list[Row]:
    with monitor() as running:
        return _rows("monitor up", _calls_to(running.url), _posts(running.url))


def _refused() -> list[Row]:
    return _rows("refused", _calls_to(f"http://127.0.0.1:{free_port()}"))


def _hangs() -> list[Row]:
    with serving(silent) as server:
        return _rows("hanging", _calls_to(f"http://{server.address}"))


def _drips() -> list[Row]:
    with serving(endless(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"a", 0.05)) as server:
        return _rows("dripping", _calls_to(f"http://{server.address}"))


def _forked() -> list[Row]:
    with monitor() as running:
        return _rows("after fork", _calls_after_fork(running.url))


BENCHES: Benches = {
    "reporter-up": _up,
    "reporter-refused": _refused,
    "reporter-hanging": _hangs,
    "reporter-dripping": _drips,
    "reporter-forked": _forked,
}
