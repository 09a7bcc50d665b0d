"""Crowds at the monitor: slow clients, idle connections, long polls, scrapes. Everybody else is answered at once."""

from __future__ import annotations

import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import requests

from testkit.net import wait_for
from testkit.running import RunningMonitor
from testkit.slow_clients import Begin, allow_descriptors, crowd, idle, keep_alive, slow_kinds, slowest, typical

SLOW = slow_kinds("/metrics")
ORDINARY = 0.1
"""Seconds within which an ordinary request is answered, by the median: other tests may run beside this one."""


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMonitor]:
    allow_descriptors(4000)
    with RunningMonitor(tmp_path_factory.mktemp("monitor")) as running:
        yield running


def assert_ordinary_requests_are_not_delayed(monitor: RunningMonitor) -> None:
    """Ask and report as anybody would, each time on a connection of its own; every request is answered."""

    def report() -> None:
        assert monitor.report(status="detecting").ok

    def ask() -> None:
        assert monitor.status()["status"] == "detecting"

    for ordinary in (report, ask):
        assert min(typical(ordinary) for _ in range(3)) < ORDINARY


@pytest.mark.parametrize("kind", SLOW.values(), ids=SLOW)
def test_500_slow_clients_delay_no_other_and_cost_little(monitor: RunningMonitor, kind: Begin) -> None:
    before = monitor.resources()
    with crowd(monitor, 500, kind):
        # What they asked for has to be worked off first; what is measured is what their slowness costs.
        wait_for(lambda: slowest(monitor.status, 0.1) < ORDINARY, "the end of the first rush", 15)
        assert_ordinary_requests_are_not_delayed(monitor)
        during = monitor.resources()
    assert during["megabytes"] - before["megabytes"] < 25
    assert during["threads"] == before["threads"]
    wait_for(lambda: monitor.resources()["descriptors"] <= before["descriptors"] + 2, "all of them gone", 20)


def test_1000_idle_kept_alive_connections_delay_no_other(monitor: RunningMonitor) -> None:
    with crowd(monitor, 1000, keep_alive) as peers:
        assert_ordinary_requests_are_not_delayed(monitor)
        keep_alive(peers[0])


def test_more_clients_than_the_usual_1024_descriptors_find_room(monitor: RunningMonitor) -> None:
    with crowd(monitor, 1500, idle):
        assert_ordinary_requests_are_not_delayed(monitor)
        assert psutil.Process(monitor.process.pid).num_fds() > 1500


def test_where_descriptors_are_few_the_connections_are_fewer_and_the_service_goes_on(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path) as monitor:
        monitor.process.kill()
        monitor.start(command_prefix=("prlimit", "--nofile=300"))
        process = psutil.Process(monitor.process.pid)
        with crowd(monitor, 400, idle):
            wait_for(lambda: "connections_full" in monitor.process.output(), "the word that it is full")
            before = sum(process.cpu_times()[:2])
            time.sleep(1)  # of doing nothing, which is measured
            assert sum(process.cpu_times()[:2]) - before < 0.3
            assert process.num_fds() < 250
        assert_ordinary_requests_are_not_delayed(monitor)
        assert "Traceback" not in monitor.process.output()


def test_clients_that_pipeline_requests_and_read_nothing_delay_no_other(monitor: RunningMonitor) -> None:
    with closing(sqlite3.connect(monitor.state / "journal.sqlite3", timeout=10)) as database, database:
        rows = ((n, time.time() - 1) for n in range(1_000_000, 1_010_000))
        database.executemany("INSERT INTO transitions VALUES (?, 1, ?, 'idle', 1.0)", rows)
    ahead = b"GET /api/history HTTP/1.1\r\nHost: localhost\r\n\r\n" * 500

    def begin(peer: socket.socket) -> None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.sendall(ahead)

    with crowd(monitor, 24, begin):
        wait_for(lambda: slowest(monitor.status, 0.1) < ORDINARY, "the end of the first rush", 30)
        assert_ordinary_requests_are_not_delayed(monitor)
        began = time.monotonic()
        assert monitor.process.terminate() == 0
        assert time.monotonic() - began < 2.0
    monitor.start()


def test_64_long_polls_delay_no_other(monitor: RunningMonitor) -> None:
    stop = threading.Event()

    def poll() -> None:
        with requests.Session() as session:
            while not stop.is_set():
                version = session.get(f"{monitor.url}/api/status", timeout=10).json()["version"]
                session.get(f"{monitor.url}/api/status?wait=2&since={version}", timeout=10)
                stop.wait(0.5)  # who is turned away comes back as a bridge would

    pollers = [threading.Thread(target=poll, daemon=True) for _ in range(64)]
    for poller in pollers:
        poller.start()
    try:
        assert typical(lambda: monitor.get("/api/health"), 100) < ORDINARY
        assert_ordinary_requests_are_not_delayed(monitor)
    finally:
        stop.set()
        for poller in pollers:
            poller.join(10)


def test_2000_scrapes_leave_nothing_behind(monitor: RunningMonitor) -> None:
    def scrape(times: int) -> None:
        with requests.Session() as session:
            for _ in range(times):
                assert session.get(f"{monitor.url}/metrics", timeout=10).ok

    scrape(500)
    time.sleep(0.2)
    before = monitor.resources()
    scrapers = [threading.Thread(target=scrape, args=(500,)) for _ in range(4)]
    for scraper in scrapers:
        scraper.start()
    for scraper in scrapers:
        scraper.join()
    wait_for(lambda: abs(monitor.resources()["descriptors"] - before["descriptors"]) <= 2, "all connections gone", 30)
    after = monitor.resources()
    assert abs(after["threads"] - before["threads"]) <= 2
    assert abs(after["megabytes"] - before["megabytes"]) <= 5
