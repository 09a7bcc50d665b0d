"""The choice of the monitor's WSGI server: memory, rate, and an ordinary request beside slow clients and long polls."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import requests

from bench.monitor import AS_THE_UNIT, ON_ONE_CORE
from bench.row import Benches, Row
from bench.wrk import load
from bench.wsgi import KINDS
from exporter.web.api import MAX_WAITERS
from testkit.net import free_port
from testkit.process import module
from testkit.running import RunningProgram, Service
from testkit.slow_clients import crowd, slow_header

_PATH: Final = "/api/status"
_SLOW: Final = 200
_WAITERS: Final = MAX_WAITERS
_SECONDS: Final = 3.0


@contextmanager
def _long_polls(running: Service) -> Iterator[None]:
    """Keep requests open that wait for a change."""
    version = running.get(_PATH).json()["version"]
    request = f"GET {_PATH}?wait=20&since={version} HTTP/1.1\r\nHost: {running.address}\r\n\r\n".encode()
    with crowd(running, _WAITERS, lambda peer: peer.sendall(request)):
        yield


def _slowest(running: Service) -> float:
    """Return the milliseconds of the slowest ordinary request; 5000 stands for no reply."""
    slowest, begun = 0.0, time.monotonic()
    while time.monotonic() - begun < _SECONDS:
        begun_request = time.monotonic()
        try:
            requests.get(running.url + "/api/health", timeout=5)
        except requests.RequestException:
            return 5000.0
        slowest = max(slowest, 1000 * (time.monotonic() - begun_request))
        time.sleep(0.02)
    return slowest


def _measure(kind: str) -> list[Row]:
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        command = [*ON_ONE_CORE, *module("bench.wsgi", kind, str(port), directory)]
        with RunningProgram(command, port, "/api/health", Path(directory) / "log", AS_THE_UNIT) as running:
            rate = load(running.url + _PATH, 8, 3, cpu=1).per_second
            memory = running.megabytes()
            with _long_polls(running):
                polls = _slowest(running)
            with crowd(running, _SLOW, slow_header):
                slow = _slowest(running)
            threads = running.threads()
    return [
        Row(f"WSGI server, {kind}: memory (PSS)", memory, "MB", ""),
        Row(f"WSGI server, {kind}: GET {_PATH} on one core", rate, "req/s", ""),
        Row(f"WSGI server, {kind}: slowest request beside {_WAITERS} long polls", polls, "ms", ""),
        Row(f"WSGI server, {kind}: slowest request beside {_SLOW} slow clients", slow, "ms", ""),
        Row(f"WSGI server, {kind}: threads", threads, "", ""),
    ]


def _all() -> list[Row]:
    return [row for kind in KINDS for row in _measure(kind)]


BENCHES: Benches = {"wsgi": _all}
