"""How both services end: on SIGTERM with a request in flight, and at once where their port is taken."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import requests

from bench.row import Benches, Row
from testkit.fake_fleet import fleet
from testkit.fake_ray import fake_ray
from testkit.net import wait_for
from testkit.process import module
from testkit.running import RunningBridge, RunningMonitor, Service

_UNDER_WAY: Final = 0.3
"""Seconds after which a request that takes longer is in flight."""


def _sigterm(name: str, service: Service, slow_path: str) -> list[Row]:
    statuses: list[int] = []

    def request() -> None:
        try:
            statuses.append(service.get(slow_path).status_code)
        except requests.RequestException:
            statuses.append(0)

    thread = threading.Thread(target=request)
    thread.start()
    time.sleep(_UNDER_WAY)
    begun = time.monotonic()
    status = service.process.terminate(within=30)
    took = time.monotonic() - begun
    thread.join()
    what = f"{name}, SIGTERM with a request in flight"
    return [
        Row(f"{what}: end", took, "s", "<= 5"),
        Row(f"{what}: exit status", status, "", "== 0"),
        Row(f"{what}: HTTP status of the request", statuses[0], "", "== 200"),
    ]


def _port_in_use(name: str, package: str, *options: str) -> list[Row]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [*module(package, "--listen", f"127.0.0.1:{taken.getsockname()[1]}"), *options]
        begun = time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        took = time.monotonic() - begun
    lines = len(done.stderr.splitlines()) if done.returncode else 0
    what = f"{name}, port in use"
    return [Row(f"{what}: end", took, "s", "<= 1"), Row(f"{what}: lines that say so", lines, "", "== 1")]


def _monitor() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        with RunningMonitor(Path(name), "--log-level", "error") as monitor:
            version = monitor.status()["version"]
            rows = _sigterm("monitor", monitor, f"/api/status?wait=20&since={version}")
        return rows + _port_in_use("monitor", "exporter", "--state-dir", name)


def _bridge() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with fleet(5, 5) as addresses, fake_ray(5, directory) as (ray, _):
            options = ("--ray-dashboard", ray, "--monitor-port", str(addresses[0].port), "--log-level", "error")
            with RunningBridge(directory, *options) as bridge:
                wait_for(lambda: bridge.get("/api/ray-dashboard").ok, "the list of nodes")
                rows = _sigterm("bridge", bridge, "/api/history")  # which waits for the nodes that hang
            return rows + _port_in_use("bridge", "castray_bridge", *options)


BENCHES: Benches = {"monitor-ends": _monitor, "bridge-ends": _bridge}
