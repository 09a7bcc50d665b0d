"""Every query of the dashboards against a real Prometheus that scrapes a real monitor and knows the rules."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, jsonify

from demo.prometheus_config import Addresses, write_prometheus
from demo.stack import get_json
from exporter.states import DETECTING, IDLE, SENDING, STATES, UNKNOWN
from grafana import queries
from tests.support.binaries import require
from tests.support.net import free_port, wait_for
from tests.support.process import Process, module
from tests.support.web import WebServer

DASHBOARDS = Path(__file__).parents[2] / "grafana" / "dashboards" / "en"
NODES = {"M1": IDLE, "M2": DETECTING, "M3": SENDING}
WITHOUT_RAY = {queries.NODE_CPU, queries.NODE_MEMORY, queries.NODE_GPU}
QUIET = {queries.JOURNAL_ERRORS, queries.LOST, queries.FIRING}
"""Queries that are right to find nothing while all is well."""
_VARIABLES = {"$__rate_interval": "8s", "$__interval": "4s", "$__range": "1m", "$node_ip": "127.0.0.1"}


def castray(names: list[str]) -> Flask:
    """Return an old CastRay that knows these nodes: the bridge's source."""
    nodes = [
        {"nodeId": f"{name}-id", "name": name, "nodeIp": f"127.0.0.{number}", "state": "ALIVE"}
        for number, name in enumerate(names, start=1)
    ]
    app = Flask("castray")
    app.get("/api/ray-dashboard")(lambda: jsonify(result=True, data={"nodes": nodes, "summary": {}}))
    return app


class Live:
    """A running Prometheus and what it is asked."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, promql: str, node: str = ".*") -> list[dict[str, Any]]:
        for variable, value in (_VARIABLES | {"$node": node}).items():
            promql = promql.replace(variable, value)
        found = get_json(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': promql})}")
        result: list[dict[str, Any]] = found["data"]["result"]
        return result

    def values(self, promql: str, label: str) -> dict[str, float]:
        return {row["metric"].get(label, ""): float(row["value"][1]) for row in self.ask(promql)}


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    prometheus, directory = require("prometheus"), tmp_path_factory.mktemp("live")
    port = free_port([f"127.0.0.{number}" for number in range(1, 5)])
    bridge, own = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    config = write_prometheus(directory, Addresses(bridge, own, "127.0.0.1:1"), directory / "none.json")
    with WebServer(castray([*NODES, "M4"])) as source:
        commands: list[list[str | Path]] = [
            [
                *module("exporter", "--listen", f"127.0.0.{number}:{port}", "--node-name", name),
                "--state-dir",
                directory / name,
            ]
            for number, name in enumerate(NODES, start=1)
        ]
        commands.append(
            [*module("castray_bridge", "--listen", bridge, "--castray", source.url), "--monitor-port", str(port)]
        )
        commands.append(
            [
                prometheus,
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'tsdb'}",
                f"--web.listen-address={own}",
            ]
        )
        processes = [Process(command, directory / f"{number}.log") for number, command in enumerate(commands)]
        try:
            running = Live(f"http://{own}")
            wait_for(lambda: len(running.ask("up{job='cmzsb-monitor'} == 1")) == 3, "first scrapes", 60)
            drive(port)
            wait_for(lambda: running.values(queries.LIGHTS, "node").get("M3") == SENDING.code, "M3", 30)
            wait_for(lambda: running.ask(queries.NODE_SENDS.replace("$node", "M3")), "rates", 30)
            wait_for(lambda: running.ask(queries.INFERENCE_P95), "quantiles", 40)
            yield running
        finally:
            for process in processes:
                process.kill()


def drive(port: int) -> None:
    """Bring the nodes into their states; M3 sends 20 of its 50 inputs."""
    for number, state in enumerate(NODES.values(), start=1):
        url = f"http://127.0.0.{number}:{port}/api/update_status"
        for _ in range(50):
            body: dict[str, Any] = {"status": state.name, "processed": 1, "inference_seconds": 0.04}
            body |= {"sent_to_server": 0, "low_confidence": 0}
            requests.post(url, json=body, timeout=5).raise_for_status()
        if state is SENDING:
            sent = {"status": state.name, "processed": 0, "sent_to_server": 20, "low_confidence": 20}
            requests.post(url, json=sent, timeout=5).raise_for_status()


def targets() -> Iterator[Any]:
    for path in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            for target in panel["targets"]:
                yield pytest.param(target["expr"], id=f"{path.stem}-{panel['title']}-{target['refId']}")


@pytest.mark.parametrize("promql", list(targets()))
def test_query_of_every_panel_finds_what_it_shows(live: Live, promql: str) -> None:
    if promql in WITHOUT_RAY | QUIET:
        assert live.ask(promql, "M3") == []
        return
    node = "M3" if 'node="$node"' in promql else ".*"
    assert wait_for(lambda: live.ask(promql, node), promql, 20)


def test_lights_show_each_state_and_grey_for_the_node_without_a_monitor(live: Live) -> None:
    wanted = {name: float(state.code) for name, state in NODES.items()} | {"M4": float(UNKNOWN.code)}
    wait_for(lambda: live.values(queries.LIGHTS, "node") == wanted, f"lights {wanted}", 20)
    for state in STATES:
        wait_for(lambda: live.values(queries.state_count(state.name), "state") == {state.name: 1}, state.name, 20)  # noqa: B023


def test_timeline_is_the_same_as_the_lights_at_its_end(live: Live) -> None:
    assert live.values(queries.FLEET_HISTORY, "node")["M2"] == DETECTING.code


def test_figures_of_the_sender_are_those_it_reported(live: Live) -> None:
    total = live.values("cmzsb_sent_to_server_total", "node")
    assert total["M3"] == 20
    assert total["M1"] == 0
    p95 = live.values(queries.INFERENCE_P95, "node")["M3"]
    assert 0.03 <= p95 <= 0.05


def test_unreachable_list_names_the_node_without_a_monitor(live: Live) -> None:
    assert [row["metric"]["node"] for row in live.ask(queries.UNREACHABLE)] == ["M4"]
