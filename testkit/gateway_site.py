"""A head node with gateway, bridge, CastRay, Ray and a monitor, as real processes on loopback."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import requests

from testkit.fake_castray import Delays, RunningCastRay, ray_nodes
from testkit.fake_ray import FakeRay, RayNode
from testkit.net import free_port, wait_for
from testkit.nginx import adapted, start_nginx
from testkit.paths import ROOT
from testkit.running import RunningBridge, RunningMonitor

CONFIGURATION: Final = ROOT / "systemd" / "nginx" / "castray-gateway.conf"
USUAL: Final = Delays(actor=4.0)
ELSEWHERE: Final = {"Origin": "http://client.example"}


class GatewaySite:
    """All of them; each part can be stopped."""

    def __init__(self, directory: Path, stack: ExitStack, nodes: int = 1, monitors: int = 1) -> None:
        """The first `monitors` of the nodes, M5 and so on, have one; the others do not answer."""
        self.directory = directory
        self.castray_port = free_port()
        self._nodes = ray_nodes(nodes)
        self._monitor_port = free_port([node.ip for node in self._nodes])
        self.monitors = [stack.enter_context(self._monitor(node)) for node in self._nodes[:monitors]]
        self.monitor = self.monitors[0]
        ray = stack.enter_context(FakeRay(*self._nodes))
        self.castray = self.start_castray()
        stack.callback(lambda: self.castray.process.kill())
        self.bridge = stack.enter_context(
            RunningBridge(
                directory,
                *("--castray", f"http://127.0.0.1:{self.castray_port}", "--ray-dashboard", ray.url),
                *("--monitor-port", str(self._monitor_port)),
            )
        )
        port = free_port()
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}"
        text = adapted(
            CONFIGURATION,
            ("listen 28823;", f"listen {self.address};"),
            ("127.0.0.1:28824;", f"127.0.0.1:{self.castray_port};"),
            ("127.0.0.1:8001", self.bridge.address),
        )
        stack.enter_context(start_nginx(directory, text))
        self.wait_for_lights()

    def _monitor(self, node: RayNode) -> RunningMonitor:
        folder = self.directory / node.name
        folder.mkdir()
        return RunningMonitor(folder, address=f"{node.ip}:{self._monitor_port}", node=node.name)

    def start_castray(self, delays: Delays = USUAL) -> RunningCastRay:
        self.castray = RunningCastRay(self.directory, self.castray_port, delays, len(self._nodes))
        return self.castray

    def wait_for_lights(self) -> None:
        wait_for(lambda: '"workStatusReachable":true' in self.list_text(), "the lights at the gateway", 20)

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return requests.request(method, self.url + path, headers=ELSEWHERE, timeout=20, **more)

    def get(self, path: str) -> requests.Response:
        return self.ask("GET", path)

    def list_text(self) -> str:
        return self.get("/api/ray-dashboard").text.replace(" ", "")

    def node(self) -> dict[str, Any]:
        (node,) = self.get("/api/ray-dashboard").json()["data"]["nodes"]
        return dict(node)

    @contextmanager
    def without_bridge(self) -> Iterator[None]:
        self.bridge.process.kill()
        try:
            yield
        finally:
            self.bridge.start()
            self.wait_for_lights()

    @contextmanager
    def without_castray(self) -> Iterator[None]:
        self.castray.process.kill()
        try:
            yield
        finally:
            self.start_castray()

    @contextmanager
    def slow_castray(self, delays: Delays) -> Iterator[None]:
        self.castray.process.kill()
        self.start_castray(delays)
        try:
            yield
        finally:
            self.castray.process.kill()
            self.start_castray()

    @contextmanager
    def blocked(self, service: RunningCastRay | RunningBridge) -> Iterator[None]:
        processes = service.processes()
        for process in processes:
            os.kill(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process.pid, signal.SIGCONT)
