"""What both services say to systemd while they start, run, hang and stop."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from castray_bridge.bridge import Bridge
from castray_bridge.cluster import Cluster
from castray_bridge.refresher import STUCK_SECONDS
from exporter import journal
from exporter.journal import Journal
from exporter.records import Batch
from exporter.store import Store
from tests.castray_bridge.sources import StillSource, sample_cluster
from tests.exporter.clocks import ManualClock
from tests.support.net import free_port, wait_for
from tests.support.notify import notification_socket
from tests.support.process import Process, module


def monitor(address: str, directory: Path) -> list[str]:
    return module("exporter", "--listen", address, "--state-dir", str(directory / "state"), "--node-name", "M1")


def bridge(address: str, directory: Path) -> list[str]:
    return module("castray_bridge", "--listen", address, "--ray-dashboard", "http://127.0.0.1:1")


@pytest.mark.parametrize("command", [monitor, bridge])
def test_service_says_ready_when_it_answers_then_that_it_lives_and_that_it_stops(
    command: Callable[[str, Path], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"127.0.0.1:{free_port()}"
    with notification_socket(tmp_path) as (name, said):
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        # The process of the service has a number of its own, which nobody knows beforehand; without one it is meant.
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        with Process(command(address, tmp_path), tmp_path / "log") as process:
            said.wait_for("READY=1", 20)
            assert requests.get(f"http://{address}/api/health", timeout=5).json()["status"]
            said.wait_for("WATCHDOG=1", 5)
            assert "STOPPING=1" not in said.heard
            assert process.terminate(within=10) == 0
            said.listen(0.1)
    assert said.heard.count("READY=1") == 1
    assert said.heard[-1] == "STOPPING=1"
    assert "NOTIFY_SOCKET" in os.environ


class HangingSource(StillSource):
    """Stops answering, and returning, when told."""

    def __init__(self) -> None:
        super().__init__(sample_cluster())
        self.go_on = threading.Event()
        self.go_on.set()

    def fetch(self) -> Cluster:
        self.go_on.wait(30)
        return super().fetch()


def test_bridge_whose_refresh_hangs_is_not_alive() -> None:
    clock, source = ManualClock(), HangingSource()
    with Bridge(source, clock=clock) as running:
        wait_for(lambda: running.refresher.failure is None, "the first list")
        assert running.complaint() == ""
        source.failure = "Ray answers 500"
        wait_for(lambda: running.refresher.failure is not None, "the failure")
        assert running.complaint() == ""
        source.go_on.clear()
        clock.pass_(STUCK_SECONDS + 5)
        wait_for(lambda: "refresher" in running.complaint(), "the verdict")
        source.go_on.set()
        wait_for(lambda: not running.complaint(), "the next turn")


def test_monitor_whose_journal_hangs_is_not_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    write = Store.write

    def hang(store: Store, batch: Batch) -> None:
        go_on.wait(30)
        write(store, batch)

    monkeypatch.setattr(Store, "write", hang)
    monkeypatch.setattr(journal, "STUCK_SECONDS", 0.3)
    running = Journal(tmp_path)
    try:
        assert running.is_alive()
        running.append(Batch())
        assert running.is_alive()
        wait_for(lambda: not running.is_alive(), "the verdict")
        go_on.set()
        wait_for(running.is_alive, "the end of the write")
    finally:
        go_on.set()
        running.close()
