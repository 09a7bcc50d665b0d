"""A small site that really runs: monitors, bridge and Prometheus, with the old CastRay and Ray's exporter made up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests
from flask import Flask, jsonify

from exporter.states import DETECTING, IDLE, SENDING, State
from testkit.alert_payloads import alert, payload
from testkit.binaries import require
from testkit.net import free_port, get_json, wait_for
from testkit.process import Process, module
from testkit.prometheus_config import Addresses, write_prometheus
from testkit.small_disk import LimitedFiles
from testkit.web import WebServer
from tests.grafana.shown import Screen

LOCATIONS = {"M2": "north", "M3": "south"}
"""As the inventory says; that of the others is not known."""
NODES: dict[str, State] = {"M1": IDLE, "M2": DETECTING, "M3": SENDING}
"""M1's script has died, M2's monitor cannot write its journal, M3 sends too much."""
WITHOUT_MONITOR, NOT_ALIVE = "M10", "M11"
IPS = {name: f"127.0.0.{stat}" for stat, name in enumerate([*NODES, WITHOUT_MONITOR, NOT_ALIVE], start=1)}
SENT, LOW_CONFIDENCE, PROCESSED, INFERENCE_SECONDS = 100, 24, 60, 0.04
"""What M3 reports."""
RAY_METRICS = f"""
ray_node_cpu_utilization{{ip="{IPS["M3"]}"}} 42
ray_node_mem_used{{ip="{IPS["M3"]}"}} 3
ray_node_mem_total{{ip="{IPS["M3"]}"}} 8
ray_node_gpus_utilization{{ip="{IPS["M3"]}",GpuIndex="0"}} 20
ray_node_gpus_utilization{{ip="{IPS["M3"]}",GpuIndex="1"}} 40
"""


def ray_and_castray(dead: set[str]) -> Flask:
    """Return what the old CastRay says of the nodes, of which some may be `dead`, and Ray's exporters of M3's load."""

    def node(name: str) -> dict[str, str]:
        state = "DEAD" if name in dead else "ALIVE"
        return {"nodeId": f"{name}-id", "name": name, "nodeIp": IPS[name], "state": state}

    app = Flask("ray")
    app.get("/api/ray-dashboard")(lambda: jsonify(result=True, data={"nodes": list(map(node, IPS)), "summary": {}}))
    app.get("/metrics", endpoint="metrics")(lambda: (RAY_METRICS, {"Content-Type": "text/plain"}))
    app.post("/chat", endpoint="chat")(lambda: "")
    return app


class Site:
    """The running site. `start` is the second in which its Prometheus was first seen to work."""

    def __init__(self, directory: Path, source: WebServer, dead: set[str]) -> None:
        self.directory = directory
        self.dead = dead
        self.monitor_port = free_port(IPS.values())
        self.bridge = f"127.0.0.1:{free_port()}"
        self.notify = f"127.0.0.1:{free_port()}"
        self._addresses = directory / "notify.addresses"
        self._addresses.write_text(
            f"all en json://127.0.0.1:{source.port}/chat\n"
            f"all en http://127.0.0.1:{free_port()}/cgi-bin/webhook/send?key=a-group-that-is-gone\n",
            "utf-8",
        )
        prometheus = f"127.0.0.1:{free_port()}"
        self.prometheus_url = f"http://{prometheus}"
        self.processes: dict[str, Process] = {}
        self.start = time.time()
        ray = directory / "ray.json"
        ray.write_text(json.dumps([{"targets": [f"127.0.0.1:{source.port}"]}]), "utf-8")
        self._config = write_prometheus(directory, Addresses(self.bridge, prometheus, "127.0.0.1:1", self.notify), ray)
        self._castray = source.url

    def commands(self) -> Iterator[tuple[str, list[str | Path]]]:
        """Yield every process by name."""
        for name in NODES:
            listen, state = f"{IPS[name]}:{self.monitor_port}", self.directory / name
            yield name, [*module("exporter", "--listen", listen, "--node-name", name), "--state-dir", state]
        known = [{"name": name, "ip": IPS[name], "labels": {"location": place}} for name, place in LOCATIONS.items()]
        inventory = self.directory / "inventory.json"
        inventory.write_text(json.dumps({"nodes": known}), "utf-8")
        options = ["--monitor-port", str(self.monitor_port), "--inventory", inventory]
        yield "bridge", [*module("castray_bridge", "--listen", self.bridge, "--castray", self._castray), *options]
        yield "notify", [*module("notify", "--listen", self.notify, "--addresses", self._addresses)]
        storage = f"--storage.tsdb.path={self.directory / 'tsdb'}"
        listen = f"--web.listen-address={self.prometheus_url.removeprefix('http://')}"
        yield "prometheus", [require("prometheus"), f"--config.file={self._config}", storage, listen]

    def report(self, node: str, **fields: Any) -> requests.Response:
        """Report as the inference script of `node` does."""
        return requests.post(f"http://{IPS[node]}:{self.monitor_port}/api/update_status", json=fields, timeout=5)

    def screen(self, node: str = ".*", location: str = ".*") -> Screen:
        """Return a dashboard on which `node` and `location` are chosen."""
        return Screen(self.prometheus_url, self.start, node, IPS.get(node, ""), location=location)

    def reads_notify(self) -> bool:
        """Return whether Prometheus has read cmzsb-notify."""
        found = get_json(f"{self.prometheus_url}/api/v1/query?query=cmzsb_notify_failed_total")
        return bool(found["data"]["result"])

    def up(self) -> int:
        """Return how many monitors Prometheus has read."""
        found = get_json(f"{self.prometheus_url}/api/v1/query?query=up%7Bjob%3D%22cmzsb-monitor%22%7D%3D%3D1")
        return len(found["data"]["result"])


@contextmanager
def running_site(directory: Path) -> Iterator[Site]:
    """Run a site whose monitors have been read once, before anything was reported to them."""
    require("prometheus")
    with ExitStack() as stack:
        dead: set[str] = set()
        site = Site(directory, stack.enter_context(WebServer(ray_and_castray(dead))), dead)
        for name, command in site.commands():
            site.processes[name] = stack.enter_context(Process(command, directory / f"{name}.log"))
        wait_for(lambda: site.up() == len(NODES), "first scrapes", 60)
        wait_for(site.reads_notify, "a scrape of cmzsb-notify", 60)
        yield site


def drive(site: Site) -> None:
    """Bring the nodes into their states, with everything that a panel counts."""
    site.dead.add(NOT_ALIVE)
    LimitedFiles(site.directory).fill(site.processes["M2"].pid)
    site.report("M1", status=DETECTING.name, processed=0, ttl=5).raise_for_status()
    site.report("M2", status=DETECTING.name, processed=10, low_confidence=0, ttl=3600).raise_for_status()
    for _ in range(PROCESSED):
        body = {"status": IDLE.name, "processed": 1, "inference_seconds": INFERENCE_SECONDS, "low_confidence": 0}
        site.report("M3", **body).raise_for_status()
    sent = {"processed": 0, "sent_to_server": SENT, "low_confidence": LOW_CONFIDENCE, "ttl": 3600}
    site.report("M3", status=SENDING.name, **sent).raise_for_status()
    assert site.report("M3", status="asleep").status_code == 400
    refused = requests.post(f"http://{site.notify}/alerts", json=payload(alert("CmzsbMonitorDown", "M1")), timeout=20)
    assert refused.status_code == 502
