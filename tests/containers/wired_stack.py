"""The stack's services without containers, wired by its files: `python -m tests.containers.wired_stack DIRECTORY`.

It runs in network and mount namespaces of its own, where the services' names lead to loopback, and prints what it saw.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import requests
from flask import Flask, jsonify, request

from containers.__main__ import ROOT, prometheus
from testkit.binaries import find
from testkit.fake_ray import FakeRay, RayNode
from testkit.net import get_json, wait_for
from testkit.process import Process, module
from testkit.web import WebServer
from tests.containers.files import CONTAINERS, services

TOKENS: Final = {"ray_token": "rays-token", "castray_bridge_token": "bridges-token"}
_SECRETS: Final = Path("/run/secrets")
_CHAT_PORT: Final = 5002
_PROMETHEUS, _ALERTMANAGER = "http://127.0.0.1:9090", "http://127.0.0.1:9093"


def prepare(directory: Path) -> None:
    """Give this process' namespaces loopback, the services' names and the secrets."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    hosts = directory / "hosts"
    hosts.write_text(f"127.0.0.1 localhost ray-head {' '.join(services())}\n")
    subprocess.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    _SECRETS.mkdir()
    for name, token in TOKENS.items():
        (_SECRETS / name).write_text(token)
    (_SECRETS / "notify_addresses").write_text(f"all en json://127.0.0.1:{_CHAT_PORT}/chat\n")


def ray() -> FakeRay:
    """Return a Ray in token mode with one node, which exports its own metrics."""
    fake = FakeRay(RayNode("M1", "127.0.0.1"))
    fake.port, fake.token = 8265, TOKENS["ray_token"]
    targets = [{"targets": [_ALERTMANAGER.removeprefix("http://")], "labels": {}}]  # any that has /metrics
    fake.mood = lambda: jsonify(targets) if request.path == "/api/prometheus/sd" else None
    return fake


def chat(received: list[str]) -> WebServer:
    """Return the chat that cmzsb-notify sends to; `received` gets the first line of each message."""
    app = Flask("chat")

    @app.post("/chat")
    def take() -> dict[str, str]:
        received.append(request.get_json()["title"])
        return {}

    server = WebServer(app)
    server.port = _CHAT_PORT
    return server


def commands(directory: Path) -> dict[str, list[str | Path]]:
    """Return the services' commands; configuration is read where the stack mounts it from."""
    (directory / "prometheus.yml").write_text((CONTAINERS / "prometheus.yml").read_text("utf-8"), "utf-8")
    (directory / "rules").symlink_to(ROOT / "prometheus/rules")
    token: list[str | Path] = [
        "--ray-token-file",
        _SECRETS / "ray_token",
        "--token-file",
        _SECRETS / "castray_bridge_token",
    ]
    silences = services()["bridge"]["environment"]["CASTRAY_BRIDGE_ALERTMANAGER_URL"]
    bridge = module("castray_bridge", "--ray-dashboard", "http://ray-head:8265", "--host-names", "bridge")
    bridge += ["--alertmanager-url", silences]
    alertmanager, prometheus_program = find("alertmanager") or "", find("prometheus") or ""
    return {
        "monitor": module("exporter", "--node-name", "M1", "--state-dir", directory / "state"),
        "bridge": [*bridge, *token],
        "notify": module("notify", "--addresses", _SECRETS / "notify_addresses", "--host-names", "notify"),
        "alertmanager": [
            alertmanager,
            f"--config.file={CONTAINERS / 'alertmanager.yml'}",
            f"--storage.path={directory / 'alertmanager'}",
            "--cluster.listen-address=",
        ],
        "prometheus": [
            prometheus_program,
            f"--config.file={directory / 'prometheus.yml'}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
        ],
    }


def are_up(jobs: set[str]) -> bool:
    """Return whether Prometheus has scraped a target of each job. Raises LookupError with those that it has not."""
    targets = get_json(f"{_PROMETHEUS}/api/v1/targets")["data"]["activeTargets"]
    up = {target["labels"]["job"] for target in targets if target["health"] == "up"}
    if jobs - up:
        raise LookupError(f"not up: {jobs - up}; {[target['lastError'] for target in targets]}")
    return True


def reads_silences() -> bool:
    """Return whether the bridge reaches Alertmanager where the stack says that it is."""
    found = get_json(f"{_PROMETHEUS}/api/v1/query?query=castray_bridge_alertmanager_up")["data"]["result"]
    return [each["value"][1] for each in found] == ["1"]


def main(directory: Path) -> None:
    """Run it all until every job was scraped and an alert has arrived."""
    prepare(directory)
    received: list[str] = []
    with ExitStack() as stack:
        stack.enter_context(ray())
        stack.enter_context(chat(received))
        for name, command in commands(directory).items():
            stack.enter_context(Process(command, directory / f"{name}.log"))
        wait_for(lambda: get_json(f"{_ALERTMANAGER}/api/v2/status"), "Alertmanager", 30)
        alert = {"labels": {"alertname": "Tried", "severity": "critical"}}
        requests.post(f"{_ALERTMANAGER}/api/v2/alerts", json=[alert], timeout=5).raise_for_status()
        jobs = {job["job_name"] for job in prometheus()["scrape_configs"]}
        wait_for(lambda: are_up(jobs), "scrapes of every job", 60)
        wait_for(lambda: received, "the alert", 30)
        wait_for(reads_silences, "the bridge's view of silences", 40)
        managers = get_json(f"{_PROMETHEUS}/api/v1/alertmanagers")["data"]["activeAlertmanagers"]
        (node,) = get_json(f"{_PROMETHEUS}/api/v1/query?query=cmzsb_build_info")["data"]["result"]
    seen = {
        "node": node["metric"]["node"],
        "alertmanagers": [each["url"] for each in managers],
        "messages": received,
    }
    print(json.dumps(seen))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
