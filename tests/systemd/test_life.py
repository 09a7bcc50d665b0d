"""What both services say to systemd while they start, run, hang and stop."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from castray_bridge.bridge import Bridge
from castray_bridge.sources.cluster import Cluster
from exporter.status.records import Batch
from exporter.storage.journal import Journal
from exporter.storage.store import Store
from servicekit import heartbeat
from servicekit.heartbeat import STUCK_SECONDS
from testkit.clocks import ManualClock
from testkit.net import free_port, wait_for
from testkit.notify_socket import notification_socket
from testkit.process import Process, module
from testkit.sources import StillSource, sample_cluster


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


HANGS = {
    "the journal's thread is stuck": (
        monitor,
        "from exporter.storage import journal, store; from servicekit import heartbeat; "
        "heartbeat.STUCK_SECONDS = journal.STALL_SECONDS = 0.2; "
        "store.Store.write = hang",
    ),
    "the status is stuck": (
        monitor,
        "from exporter.status import service; from servicekit import heartbeat; "
        "heartbeat.STUCK_SECONDS = 0.2; service.Status.tick = hang",
    ),
    "the poller of the source of nodes is stuck": (
        bridge,
        "from castray_bridge.sources import source; from servicekit import heartbeat; "
        "heartbeat.STUCK_SECONDS = 0.2; source.RaySource.fetch = hang",
    ),
}
"""What a service tells systemd, by the service and by what is done to it."""


@pytest.mark.parametrize("liveness_error", HANGS)
def test_service_of_which_a_part_hangs_pings_no_more_though_it_answers(
    liveness_error: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, harm = HANGS[liveness_error]
    address = f"127.0.0.1:{free_port()}"
    _, _, package, *options = command(address, tmp_path)
    program = f"import runpy, threading; hang = lambda *_: threading.Event().wait(); {harm}; "
    program += f"runpy.run_module({package!r}, run_name='__main__', alter_sys=True)"
    with notification_socket(tmp_path) as (name, said):
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        monkeypatch.setenv("WATCHDOG_USEC", "300000")
        with Process([sys.executable, "-c", program, *options], tmp_path / "log"):
            said.wait_for("READY=1", 20)
            if command is monitor:
                requests.post(f"http://{address}/api/update_status", json={"status": "sending"}, timeout=5)
            said.wait_for(f"STATUS={liveness_error}", 10)
            said.heard.clear()
            said.listen(0.5)
            assert said.heard == []
            assert requests.get(f"http://{address}/api/health", timeout=5).json()["service"]


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
        wait_for(lambda: running.poller.failure is None, "the first list")
        assert running.liveness_error() == ""
        source.failure = "Ray answers 500"
        wait_for(lambda: running.poller.failure is not None, "the failure")
        assert running.liveness_error() == ""
        source.go_on.clear()
        clock.pass_(STUCK_SECONDS + 10)
        wait_for(lambda: "poller" in running.liveness_error(), "the verdict")
        source.go_on.set()
        wait_for(lambda: not running.liveness_error(), "the next turn")


def test_monitor_whose_journal_hangs_is_not_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    write = Store.write

    def hang(store: Store, batch: Batch) -> None:
        go_on.wait(30)
        write(store, batch)

    monkeypatch.setattr(Store, "write", hang)
    monkeypatch.setattr(heartbeat, "STUCK_SECONDS", 0.3)
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
