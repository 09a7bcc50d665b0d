"""What `report()` costs the inference thread, whatever the monitor does; baseline requests.post."""

from __future__ import annotations

import itertools
import multiprocessing
import socket
import socketserver
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median, quantiles

import requests

from bench.row import Benches, Row
from demo.stack import get_json
from exporter.reporter import StatusReporter
from testkit.net import free_port, wait_for
from testkit.process import Process, module

_CALLS = 20_000
_BURST = 20
_PAUSE = 0.001
"""Seconds between two bursts of calls: the reporter's thread gets its turns, as beside a model."""
_POSTS = 500


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


class _Drip(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        with suppress(OSError):
            for byte in itertools.chain(b"HTTP/1.1 200 OK\r\nX-Drip: ", itertools.repeat(ord("a"))):
                self.request.sendall(bytes([byte]))
                time.sleep(0.05)


class _DrippingServer(socketserver.ThreadingTCPServer):
    daemon_threads = True


@contextmanager
def dripping() -> Iterator[str]:
    """Yield the root of something that answers a byte at a time and comes to no end."""
    with _DrippingServer(("127.0.0.1", 0), _Drip) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), name="dripping", daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


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
    with monitor() as url:
        return _rows("monitor up", _calls_to(url), _posts(url))


def _refused() -> list[Row]:
    return _rows("refused", _calls_to(f"http://127.0.0.1:{free_port()}"))


def _hangs() -> list[Row]:
    with hanging() as url:
        return _rows("hanging", _calls_to(url))


def _drips() -> list[Row]:
    with dripping() as url:
        return _rows("dripping", _calls_to(url))


def _forked() -> list[Row]:
    with monitor() as url:
        return _rows("after fork", _calls_after_fork(url))


BENCHES: Benches = {
    "reporter-up": _up,
    "reporter-refused": _refused,
    "reporter-hanging": _hangs,
    "reporter-dripping": _drips,
    "reporter-forked": _forked,
}
