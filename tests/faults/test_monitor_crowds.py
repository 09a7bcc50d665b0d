"""Crowds at the monitor: slow clients, idle connections, long polls, scrapes. Everybody else is answered at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import requests

from tests.faults.crowd import Begin, allow_descriptors, crowd, keep_alive, slow_kinds, slowest
from tests.support.net import wait_for
from tests.support.running import RunningMonitor

SLOW = slow_kinds("/metrics")
ORDINARY = 0.2
"""Seconds within which an ordinary request is answered."""


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMonitor]:
    allow_descriptors(4000)
    with RunningMonitor(tmp_path_factory.mktemp("monitor")) as running:
        yield running


def ordinary(monitor: RunningMonitor) -> float:
    """Return the slowest of many ordinary requests, each on a connection of its own."""

    def ask() -> None:
        assert monitor.report(status="detecting").ok
        assert monitor.status()["status"] == "detecting"

    return slowest(ask, 1.0) / 2


@pytest.mark.parametrize("kind", SLOW.values(), ids=SLOW)
def test_500_slow_clients_delay_nobody_and_cost_little(monitor: RunningMonitor, kind: Begin) -> None:
    before = monitor.resources()
    with crowd(monitor, 500, kind):
        # What they asked for has to be worked off first; what is measured is what their slowness costs.
        wait_for(lambda: slowest(monitor.status, 0.1) < ORDINARY / 2, "the end of the first rush", 15)
        assert ordinary(monitor) < ORDINARY
        during = monitor.resources()
    assert during["megabytes"] - before["megabytes"] < 25
    assert during["threads"] == before["threads"]
    wait_for(lambda: monitor.resources()["descriptors"] <= before["descriptors"] + 2, "all of them gone", 20)


def test_1000_idle_kept_alive_connections_delay_nobody(monitor: RunningMonitor) -> None:
    with crowd(monitor, 1000, keep_alive) as peers:
        assert ordinary(monitor) < ORDINARY
        keep_alive(peers[0])


def test_64_long_polls_delay_nobody(monitor: RunningMonitor) -> None:
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
        assert slowest(lambda: monitor.get("/api/health"), 3.0) < ORDINARY
    finally:
        stop.set()
        for poller in pollers:
            poller.join(10)


def test_10000_scrapes_leave_nothing_behind(monitor: RunningMonitor) -> None:
    def scrape(times: int) -> None:
        with requests.Session() as session:
            for _ in range(times):
                assert session.get(f"{monitor.url}/metrics", timeout=10).ok

    scrape(500)
    time.sleep(0.2)
    before = monitor.resources()
    scrapers = [threading.Thread(target=scrape, args=(2500,)) for _ in range(4)]
    for scraper in scrapers:
        scraper.start()
    for scraper in scrapers:
        scraper.join()
    wait_for(lambda: abs(monitor.resources()["descriptors"] - before["descriptors"]) <= 2, "all connections gone", 10)
    after = monitor.resources()
    assert abs(after["threads"] - before["threads"]) <= 2
    assert abs(after["megabytes"] - before["megabytes"]) <= 5
