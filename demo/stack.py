"""Everything, started in order and ended in reverse: Ray, monitors, scripts, bridge, Prometheus, Alertmanager."""

from __future__ import annotations

import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from testkit import binaries
from testkit.ensemble import Ensemble
from testkit.net import free_port, get_json, wait_for
from testkit.process import Process, module
from testkit.prometheus_config import Addresses, write_alertmanager, write_prometheus
from testkit.ray_cluster import NodeSpec, RayCluster, node_specs
from testkit.webhook import Webhook

HEAD = "127.0.0.1"
MONITOR_PORT, BRIDGE_PORT, NOTIFY_PORT = 8000, 8001, 5001
RAY_PORT, PROMETHEUS_PORT, ALERTMANAGER_PORT = 8265, 9090, 9093
"""Used where they are free; else the system chooses others."""
REPORT_TTL = 10
"""Seconds; short, so that the light of a script that died is seen to go out."""
Tell = Callable[[str], None]


class Stack(Ensemble):
    """The whole product with `nodes` nodes. A context manager; entering starts it, leaving leaves nothing.

    `tell` gets a line per step. Alerts go through cmzsb-notify to `messages`, or else to the URL `webhook`.
    """

    def __init__(self, nodes: int, tell: Tell = lambda line: None, webhook: str | None = None) -> None:
        super().__init__()
        self.specs = node_specs(nodes)
        self.monitors: dict[str, Process] = {}
        self.scripts: dict[str, Process] = {}
        self.bridge_url = self.notify_url = self.prometheus_url = self.alertmanager_url = ""
        self._chat = Webhook()
        self._tell = tell
        self._webhook = webhook
        hosts = [spec.ip for spec in self.specs]
        self.monitor_port = free_port(hosts, MONITOR_PORT)
        self._alertmanager = f"{HEAD}:{free_port(HEAD, ALERTMANAGER_PORT)}"
        has_alerts = binaries.find("prometheus") is not None and binaries.find("alertmanager") is not None
        self._silences = ("--alertmanager-url", f"http://{self._alertmanager}") if has_alerts else ()
        """Options of bridge and monitors."""
        self.cluster = RayCluster(self.directory / "r", free_port(HEAD, RAY_PORT))

    def _start(self) -> None:
        self._start_ray()
        for spec in self.specs:
            self.start_monitor(spec)
        self._start_bridge()
        self._start_notify()
        self._start_prometheus()

    def start_monitor(self, spec: NodeSpec) -> None:
        """Start the monitor of a node (again); its journal goes on."""
        self.monitors[spec.name] = self._run(
            f"monitor-{spec.name}",
            *module("exporter", "--listen", f"{spec.ip}:{self.monitor_port}", "--node-name", spec.name),
            "--state-dir",
            self.directory / f"state-{spec.name}",
            "--report-ttl",
            str(REPORT_TTL),
            *self._silences,
        )
        url = self.monitor_url(spec)
        wait_for(lambda: get_json(f"{url}/api/health"), f"monitor {spec.name}", 20)
        self._tell(f"monitor of {spec.name}: {url}")

    def monitor_url(self, spec: NodeSpec) -> str:
        """Return the root of a node's monitor."""
        return f"http://{spec.ip}:{self.monitor_port}"

    def start_script(self, spec: NodeSpec, profile: str, seed: int) -> None:
        """Start the simulated inference script of a node."""
        command = module("demo.inference", "--url", self.monitor_url(spec), "--profile", profile)
        command += ["--ttl", str(REPORT_TTL), "--seed", str(seed)]
        self.scripts[spec.name] = self._run(f"script-{spec.name}", *command)
        self._tell(f"inference script on {spec.name} ({profile})")

    def _start_ray(self) -> None:
        self._tell("starting Ray (some seconds per node)")
        self._open.callback(self.cluster.close)
        self.cluster.directory.mkdir()
        self.cluster.start(self.specs, lambda spec: self._tell(f"Ray node {spec.name} at {spec.ip}"))
        self._tell(f"Ray's dashboard: {self.cluster.dashboard_url}")

    def _start_bridge(self) -> None:
        address = f"{HEAD}:{free_port(HEAD, BRIDGE_PORT)}"
        self.bridge_url = f"http://{address}"
        self._run(
            "bridge",
            *module("castray_bridge", "--listen", address, "--ray-dashboard", self.cluster.dashboard_url),
            "--monitor-port",
            str(self.monitor_port),
            *self._silences,
        )
        wait_for(lambda: get_json(f"{self.bridge_url}/api/health"), "CastRay bridge", 30)
        self._tell(f"CastRay bridge: {self.bridge_url}")

    def _start_notify(self) -> None:
        self._open.enter_context(self._chat)
        addresses = self.directory / "notify.addresses"
        addresses.write_text(f"all en {self._chat.url.replace('http://', 'json://')}\n", "utf-8")
        addresses.chmod(0o600)
        address = f"{HEAD}:{free_port(HEAD, NOTIFY_PORT)}"
        self.notify_url = f"http://{address}"
        self._run("notify", *module("notify", "--listen", address, "--addresses", addresses))
        wait_for(lambda: get_json(f"{self.notify_url}/api/health"), "cmzsb-notify", 20)
        self._tell(f"cmzsb-notify: {self.notify_url}")

    def messages(self) -> list[str]:
        """Return the messages that a group chat would have got, oldest first."""
        return [f"{message['title']}\n{message['message']}" for message in tuple(self._chat.messages)]

    def _start_prometheus(self) -> None:
        prometheus, alertmanager = binaries.find("prometheus"), binaries.find("alertmanager")
        if prometheus is None or alertmanager is None:
            missing = "prometheus" if prometheus is None else "alertmanager"
            self._tell(f"going on without Prometheus and its alerts; {binaries.advice(missing)}")
            return
        own, alerts = f"{HEAD}:{free_port(HEAD, PROMETHEUS_PORT)}", self._alertmanager
        bridge, notify = (url.removeprefix("http://") for url in (self.bridge_url, self.notify_url))
        addresses = Addresses(bridge, own, alerts, notify)
        discovery = self.cluster.directory / "ray" / "prom_metrics_service_discovery.json"
        config = write_prometheus(self.directory, addresses, discovery)
        self._run(
            "alertmanager",
            alertmanager,
            f"--config.file={write_alertmanager(self.directory, self._webhook or f'{self.notify_url}/alerts')}",
            f"--storage.path={self.directory / 'alertmanager'}",
            f"--web.listen-address={alerts}",
            f"--web.external-url=http://{alerts}",
            "--cluster.listen-address=",
        )
        self._run(
            "prometheus",
            prometheus,
            f"--config.file={config}",
            f"--storage.tsdb.path={self.directory / 'prometheus'}",
            f"--web.listen-address={own}",
        )
        self.prometheus_url, self.alertmanager_url = f"http://{own}", f"http://{alerts}"
        wait_for(lambda: self.query("vector(1)"), "Prometheus", 30)
        self._tell(f"Prometheus: {self.prometheus_url}  Alertmanager: {self.alertmanager_url}")

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Return Prometheus' instant vector for `promql`: `[{"metric", "value"}]`."""
        parameters = urllib.parse.urlencode({"query": promql})
        result: list[dict[str, Any]] = get_json(f"{self.prometheus_url}/api/v1/query?{parameters}")["data"]["result"]
        return result

    def firing(self) -> list[dict[str, str]]:
        """Return the labels of the firing alerts, the one that always fires left out; none without Prometheus."""
        if not self.prometheus_url:
            return []
        return [row["metric"] for row in self.query('ALERTS{alertstate="firing", severity!="none"}')]

    def _run(self, name: str, *command: str | Path) -> Process:
        process = Process(command, self.directory / f"{name}.log")
        self._open.enter_context(process)
        return process
