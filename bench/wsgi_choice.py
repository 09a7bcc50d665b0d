"""The choice of the monitor's WSGI server: memory, rate, and an ordinary request beside slow clients and long polls."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil
import requests

from bench.monitor import AS_THE_UNIT, ON_ONE_CORE, Service, service
from bench.row import Benches, Row
from bench.wrk import load
from bench.wsgi import KINDS
from exporter.web.api import MAX_WAITERS
from testkit.net import free_port
from testkit.process import module

_PATH: Final = "/api/status"
_SLOW: Final = 200
_WAITERS: Final = MAX_WAITERS
_SECONDS: Final = 3.0


@contextmanager
def _slow_clients(running: Service) -> Iterator[None]:
    """Keep connections open that send a byte of a header now and then."""
    host, _, port = running.url.removeprefix("http://").partition(":")
    peers = [socket.create_connection((host, int(port)), timeout=10) for _ in range(_SLOW)]
    stop = threading.Event()

    def drip() -> None:
        while not stop.wait(0.5):
            for peer in peers:
                with contextlib.suppress(OSError):
                    peer.sendall(b"X")

    for peer in peers:
        peer.sendall(b"GET /api/status HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        for peer in peers:
            peer.close()


@contextmanager
def _long_polls(running: Service) -> Iterator[None]:
    """Keep questions open that wait for a change."""
    version = requests.get(running.url + _PATH, timeout=5).json()["version"]
    host, _, port = running.url.removeprefix("http://").partition(":")
    peers = [socket.create_connection((host, int(port)), timeout=10) for _ in range(_WAITERS)]
    for peer in peers:
        question = f"GET {_PATH}?wait=20&since={version} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"
        peer.sendall(question.encode())
    try:
        yield
    finally:
        for peer in peers:
            peer.close()


def _slowest(running: Service) -> float:
    """Return the milliseconds of the slowest ordinary request; 5000 stands for no answer."""
    slowest, begun = 0.0, time.monotonic()
    while time.monotonic() - begun < _SECONDS:
        asked = time.monotonic()
        try:
            requests.get(running.url + "/api/health", timeout=5)
        except requests.RequestException:
            return 5000.0
        slowest = max(slowest, 1000 * (time.monotonic() - asked))
        time.sleep(0.02)
    return slowest


def _measure(kind: str) -> list[Row]:
    port = free_port()
    with tempfile.TemporaryDirectory() as directory:
        command = [*ON_ONE_CORE, *module("bench.wsgi", kind, str(port), directory)]
        with service(command, port, "/api/health", Path(directory) / "log", AS_THE_UNIT) as running:
            family = [running.process, *running.process.children(recursive=True)]
            rate = load(running.url + _PATH, 8, 3, cpu=1).per_second
            memory = sum(process.memory_full_info().pss for process in family) / 1e6
            with _long_polls(running):
                polls = _slowest(running)
            with _slow_clients(running):
                slow = _slowest(running)
            threads = sum(psutil.Process(process.pid).num_threads() for process in family)
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
