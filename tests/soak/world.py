"""Everything that the soak runs: a real Ray, three nodes' monitors, the bridge and a real Prometheus."""

from __future__ import annotations

from typing import Any, Final

import psutil
import requests
import yaml

from testkit.binaries import require
from testkit.ensemble import Ensemble
from testkit.net import free_port, wait_for
from testkit.process import Process
from testkit.ray_cluster import NodeSpec, RayCluster, node_specs
from testkit.running import RunningBridge, RunningMonitor

SCRAPE_SECONDS: Final = 1
REPORT_TTL: Final = 5


class World(Ensemble):
    """A context manager; entering starts everything, leaving leaves nothing."""

    def __init__(self, nodes: int = 3) -> None:
        super().__init__()
        self.specs: list[NodeSpec] = node_specs(nodes)
        self.monitors: dict[str, RunningMonitor] = {}
        self.ray = RayCluster(self.directory / "r", free_port())

    def _start(self) -> None:
        self._open.callback(self.ray.close)
        self.ray.directory.mkdir()
        self.ray.start(self.specs)
        port = free_port([spec.ip for spec in self.specs])
        for spec in self.specs:
            folder = self.directory / spec.name
            folder.mkdir()
            monitor = RunningMonitor(
                folder, "--report-ttl", str(REPORT_TTL), address=f"{spec.ip}:{port}", node=spec.name
            )
            self.monitors[spec.name] = self._open.enter_context(monitor)
        options = ("--ray-dashboard", self.ray.dashboard_url, "--monitor-port", str(port))
        self.bridge: RunningBridge = self._open.enter_context(RunningBridge(self.directory, *options))
        self._start_prometheus()
        wait_for(lambda: set(self.bridge.nodes()) == set(self.monitors), "all nodes at the bridge", 60)
        wait_for(lambda: len(self.query("up == 1")) == len(self.specs), "all nodes at Prometheus", 60)

    def _start_prometheus(self) -> None:
        discovery = {"url": f"{self.bridge.url}/sd/prometheus", "refresh_interval": "1s"}
        job = {"job_name": "monitors", "honor_labels": True, "http_sd_configs": [discovery]}
        seconds = f"{SCRAPE_SECONDS}s"
        config = {"global": {"scrape_interval": seconds, "scrape_timeout": seconds}, "scrape_configs": [job]}
        file = self.directory / "prometheus.yml"
        file.write_text(yaml.safe_dump(config))
        address = f"127.0.0.1:{free_port()}"
        self._prometheus_url = f"http://{address}"
        command = [require("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={self.directory / 'tsdb'}"]
        process = Process([*command, f"--web.listen-address={address}"], self.directory / "prometheus.log")
        self._open.enter_context(process)

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Return what Prometheus answers to an instant query."""
        reply = requests.get(f"{self._prometheus_url}/api/v1/query", params={"query": promql}, timeout=10).json()
        result: list[dict[str, Any]] = reply["data"]["result"]
        return result

    def dashboard_process(self) -> psutil.Process:
        """Return the process of this cluster's Ray dashboard."""
        for process in psutil.process_iter(["cmdline"]):
            line = " ".join(process.info["cmdline"] or [])
            if "dashboard/dashboard.py" in line and str(self.directory) in line:
                return process
        raise LookupError("Ray's dashboard does not run")
