"""A fleet that exists only as metrics, and real Prometheus and Alertmanager that watch it at a fast pace."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests
import yaml

from testkit.binaries import require
from testkit.net import free_port, wait_for
from testkit.process import Process
from testkit.prometheus_config import Addresses, write_alertmanager, write_prometheus
from tests.prometheus.promql import ROOT
from tests.prometheus.test_rules import minutes

HURRY = 20
"""How much shorter alerts wait. All by the same factor: which one is told first depends on it."""


class Node:
    """A made-up node, as its monitor and the bridge show it."""

    def __init__(self) -> None:
        self.sent = 0
        self.unsure = 0
        self.answers = True
        self.present = True

    def metrics(self, name: str) -> str:
        return (
            f'cmzsb_work_status{{node="{name}",state="idle"}} 1\n'
            f'cmzsb_processed_total{{node="{name}"}} {1000 + self.unsure}\n'
            f'cmzsb_low_confidence_total{{node="{name}"}} {self.unsure}\n'
            f'cmzsb_sent_to_server_total{{node="{name}"}} {self.sent}\n'
        )


class FakeFleet:
    """One HTTP server: the bridge's `/metrics` and `/sd/prometheus`, and `/metrics/<node>` for every node."""

    def __init__(self, *names: str) -> None:
        self.nodes = {name: Node() for name in names}
        self.discovery_status = 200
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FakeFleet:
        threading.Thread(target=self._server.serve_forever, name="fake fleet", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, path: str) -> tuple[int, str, str]:
        """Return status, content type and body."""
        if path == "/sd/prometheus":
            return self.discovery_status, "application/json", json.dumps([self._group(name) for name in self.nodes])
        if path == "/metrics":
            return 200, "text/plain", self._bridge_metrics()
        node = self.nodes[path.rpartition("/")[2]]
        return (200 if node.answers else 500), "text/plain", node.metrics(path.rpartition("/")[2])

    def _group(self, name: str) -> dict[str, Any]:
        return {"targets": [self.address], "labels": {"node": name, "__metrics_path__": f"/metrics/{name}"}}

    def _bridge_metrics(self) -> str:
        present = "".join(
            f'castray_bridge_node_present{{node="{name}",node_ip="127.0.0.1"}} {int(node.present)}\n'
            for name, node in self.nodes.items()
        )
        return f"castray_bridge_ray_up 1\ncastray_bridge_snapshot_timestamp_seconds {time.time()}\n{present}"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fleet = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content_type, body = fleet.reply(self.path)
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


class Watch:
    """A running Prometheus and a running Alertmanager."""

    def __init__(self, prometheus: str, alertmanager: str) -> None:
        self._prometheus = f"http://{prometheus}/api/v1"
        self._alertmanager = f"http://{alertmanager}/api/v2"

    def ready(self) -> bool:
        return bool(self.targets()) and self._get(f"{self._alertmanager}/status") is not None

    def query(self, expression: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get(f"{self._prometheus}/query", query=expression)["data"]["result"]
        return found

    def targets(self) -> set[str]:
        """Return the nodes whose monitors are being scraped."""
        active = self._get(f"{self._prometheus}/targets")["data"]["activeTargets"]
        return {target["labels"]["node"] for target in active if target["labels"]["job"] == "cmzsb-monitor"}

    def rules(self) -> list[dict[str, Any]]:
        groups = self._get(f"{self._prometheus}/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def silenced(self) -> set[tuple[str, str]]:
        """Return `(alert name, node)` of the alerts that another one inhibits."""
        return {
            (alert["labels"]["alertname"], alert["labels"].get("node", ""))
            for alert in self._get(f"{self._alertmanager}/alerts")
            if alert["status"]["inhibitedBy"]
        }

    @staticmethod
    def _get(url: str, **parameters: str) -> Any:
        with requests.Session() as session:
            session.trust_env = False
            reply = session.get(url, params=parameters, timeout=5)
            reply.raise_for_status()
            return reply.json()


@contextmanager
def watched(fleet: FakeFleet, directory: Path, webhook: str) -> Iterator[Watch]:
    """Run both with the project's own files, in which only addresses and waits are others."""
    prometheus, alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(2))
    config = write_prometheus(directory, Addresses(fleet.address, prometheus, alertmanager), directory / "no-ray.json")
    config.write_text(_every_second(config.read_text("utf-8")), "utf-8")
    (directory / "rules" / "alerts.yml").write_text(_hurried_alerts(), "utf-8")
    write_alertmanager(directory, webhook)
    commands = {
        "prometheus": [f"--storage.tsdb.path={directory / 'tsdb'}", f"--web.listen-address={prometheus}"],
        "alertmanager": [f"--storage.path={directory / 'am'}", f"--web.listen-address={alertmanager}"],
    }
    commands["alertmanager"].append("--cluster.listen-address=")
    with ExitStack() as stack:
        for program, options in commands.items():
            command = [require(program), f"--config.file={directory / program}.yml", *options]
            stack.enter_context(Process(command, directory / f"{program}.log"))
        watch = Watch(prometheus, alertmanager)
        wait_for(watch.ready, "Prometheus and Alertmanager", 20)
        yield watch


def _every_second(config: str) -> str:
    loaded = yaml.safe_load(config)
    for paced in (loaded["global"], *loaded["scrape_configs"]):
        paced |= {"scrape_interval": "1s", "scrape_timeout": "900ms"}
    loaded["global"] |= {"evaluation_interval": "1s"}
    return yaml.safe_dump(loaded, allow_unicode=True)


def _hurried_alerts() -> str:
    rules = yaml.safe_load((ROOT / "prometheus/rules/alerts.yml").read_text("utf-8"))
    for group in rules["groups"]:
        for rule in group["rules"]:
            for wait in rule.keys() & {"for", "keep_firing_for"}:
                rule[wait] = f"{round(minutes(rule[wait]) * 60 / HURRY)}s"
    return yaml.safe_dump(rules, allow_unicode=True)
