"""`kill -9` under load, 200 times: what was acknowledged is there afterwards. And one report beside its floors."""

from __future__ import annotations

import http.client
import os
import random
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from bench.monitor import monitor
from bench.row import Benches, Row
from testkit.net import free_port, get_json, wait_for
from testkit.process import Process, module

_KILLS: Final = 200
_AT_ONCE: Final = 4
_TIMES: Final = 2000
_BODY: Final = b'{"status": "sending"}'
_JSON: Final = {"Content-Type": "application/json"}


class _Life(NamedTuple):
    acknowledged: int
    counted: int


def _lives(kills: int) -> _Life:
    """Kill one monitor so many times under load; return what it acknowledged and what it counted in the end."""
    acknowledged = 0
    with tempfile.TemporaryDirectory() as name:
        directory, port = Path(name), free_port()
        command = module("exporter", "--listen", f"127.0.0.1:{port}", "--log-level", "error", "--state-dir", directory)
        for number in range(kills + 1):
            with Process(command, directory / "log") as process:
                status = wait_for(lambda: get_json(f"http://127.0.0.1:{port}/api/status"), "the monitor", 30)
                counted = int(status["stats"]["sent_to_server"])
                if counted < acknowledged or number == kills:
                    break
                after = 0.05 + random.random() * 0.15
                killer = threading.Timer(after, os.kill, (process.pid, signal.SIGKILL))
                killer.start()
                acknowledged += _hammer(port)
                killer.join()
    return _Life(acknowledged, counted)


def _hammer(port: int) -> int:
    """Report until the monitor is gone; return how many reports it acknowledged."""
    acknowledged = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        while True:
            connection.request("POST", "/api/update_status", _BODY, _JSON)
            reply = connection.getresponse()
            reply.read()
            acknowledged += reply.status == 200
    except (OSError, http.client.HTTPException):
        return acknowledged
    finally:
        connection.close()


def _kills() -> list[Row]:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        lives = list(pool.map(_lives, [_KILLS // _AT_ONCE] * _AT_ONCE))
    lost = sum(max(0, life.acknowledged - life.counted) for life in lives)
    total = sum(life.acknowledged for life in lives)
    return [
        Row(f"{_KILLS} x kill -9 under load: acknowledged reports lost", lost, "reports", "== 0"),
        Row(f"{_KILLS} x kill -9 under load: acknowledged reports", total, "reports", ""),
    ]


def _microseconds(step: Callable[[], object]) -> float:
    times = []
    for _ in range(_TIMES):
        begun = time.perf_counter_ns()
        step()
        times.append((time.perf_counter_ns() - begun) / 1000)
    return median(times)


def _floors() -> list[Row]:
    with monitor() as running:
        connection = http.client.HTTPConnection(running.url.removeprefix("http://"), timeout=10)

        def request(method: str, path: str, body: bytes | None = None) -> None:
            connection.request(method, path, body, _JSON)
            connection.getresponse().read()

        read = _microseconds(lambda: request("GET", "/api/status"))
        report = _microseconds(lambda: request("POST", "/api/update_status", _BODY))
        connection.close()
    return [
        Row("monitor: one GET /api/status", read, "µs", "", "loopback round trip", _round_trip()),
        Row(
            "monitor: one report, on disk before it is answered", report, "µs", "", "one write and fdatasync", _write()
        ),
    ]


def _round_trip() -> float:
    """Return the microseconds that a request and a reply of these sizes take over loopback with nothing behind."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server = listener.accept()[0]

        def echo() -> None:
            while server.recv(65536):
                server.sendall(b"x" * 800)

        thread = threading.Thread(target=echo)
        thread.start()

        def request() -> None:
            client.sendall(b"x" * 150)
            client.recv(65536)

        taken = _microseconds(request)
        client.close()
        thread.join()
        server.close()
    return taken


def _write() -> float:
    """Return the microseconds that as many bytes take onto the disk with nothing around them."""
    with tempfile.TemporaryDirectory() as directory:
        file = os.open(Path(directory) / "floor", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

        def step() -> None:
            os.write(file, b"x" * 200)
            os.fdatasync(file)

        taken = _microseconds(step)
        os.close(file)
    return taken


BENCHES: Benches = {"monitor-kills": _kills, "monitor-floors": _floors}
