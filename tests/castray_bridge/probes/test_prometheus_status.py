"""Work statuses from a Prometheus: the provider, and a bridge that queries a real one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

import pytest
import requests
import yaml
from flask import Flask, jsonify

from castray_bridge.probes.prometheus_status import PrometheusStatusProvider
from castray_bridge.probes.status import NodeStatus, ProbeResult
from servicekit.clock import SystemClock
from testkit.binaries import require
from testkit.net import free_port, wait_for
from testkit.process import Process, module
from testkit.prometheus_replies import ADDRESS, monitor, reply
from testkit.web import WebServer


def test_totals_of_a_node_are_not_those_of_who_was_at_its_address_before() -> None:
    app = Flask("prometheus")
    answer = reply(*monitor("sending"))
    app.get("/api/v1/query")(lambda: answer)
    answers: Queue[NodeStatus] = Queue()

    def next_answer(error: str | None) -> NodeStatus:
        while (found := answers.get(timeout=5)).error != error:
            pass
        return found

    with WebServer(app) as server:
        status_provider = PrometheusStatusProvider(
            server.url, 0.05, lambda answer: answers.put(answer.status), SystemClock()
        )
        try:
            status_provider.set_targets({ADDRESS: "M1 a"})
            assert next_answer(None).processed == 7
            answer["data"]["result"].clear()
            assert next_answer("not_scraped").processed == 7
            status_provider.set_targets({ADDRESS: "M2 b"})
            wait_for(lambda: next_answer("not_scraped").processed == 0, "an answer without M1's totals")
        finally:
            status_provider.close()


def test_slow_prometheus_is_given_a_rest_and_a_hanging_query_ends_with_the_bridge() -> None:
    app = Flask("prometheus")
    begun: list[float] = []
    hangs = threading.Event()

    def slow() -> Any:
        begun.append(time.monotonic())
        hangs.wait(10 if len(begun) == 4 else 0.3)
        return reply(*monitor("sending"))

    app.get("/api/v1/query")(slow)
    answers: list[ProbeResult] = []
    with WebServer(app) as server:
        status_provider = PrometheusStatusProvider(server.url, 0.05, answers.append, SystemClock())
        status_provider.set_targets({ADDRESS: "M1 a"})
        wait_for(lambda: len(begun) == 4, "a fourth query", 10)
        closing = time.monotonic()
        status_provider.close()
        assert time.monotonic() - closing < 2
        hangs.set()
    assert begun[3] - begun[2] > 3 * 0.3
    assert [answer.status.error for answer in answers] == [None] * 3


class Site(NamedTuple):
    """Two monitors, the Prometheus that scrapes them, and the bridge that asks it."""

    monitors: dict[str, Process]
    prometheus: list[str]
    directory: Path
    port: int
    bridge: str

    def nodes(self) -> dict[str, dict[str, Any]]:
        found = requests.get(f"http://{self.bridge}/api/nodes/unified", timeout=5).json()["nodes"]
        return {node["name"]: node for node in found}

    def report(self, ip: str, **body: Any) -> None:
        url = f"http://{ip}:{self.port}/api/update_status"
        assert requests.post(url, json=body, timeout=5).status_code == 200

    def shows(self, name: str, **fields: Any) -> bool:
        node = self.nodes().get(name, {})
        return {key: node.get(key) for key in fields} == fields

    def run_prometheus(self) -> Process:
        return Process(self.prometheus, self.directory / "prometheus.log")


@pytest.fixture(scope="module")
def castray() -> Iterator[str]:
    nodes = [{"nodeId": f"id{n}", "name": f"M{n}", "nodeIp": f"127.0.0.{n}", "state": "ALIVE"} for n in (1, 2)]
    app = Flask("castray")
    app.get("/api/ray-dashboard")(lambda: jsonify(result=True, data={"nodes": nodes, "summary": {}}))
    with WebServer(app) as server:
        yield server.url


@pytest.fixture(scope="module")
def site(castray: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    port = free_port(["127.0.0.1", "127.0.0.2"])
    prometheus, bridge = (f"127.0.0.1:{free_port()}" for _ in range(2))
    job = {
        "job_name": "cmzsb-monitor",
        "honor_labels": True,
        "http_sd_configs": [{"url": f"http://{bridge}/sd/prometheus", "refresh_interval": "1s"}],
    }
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "900ms"}, "scrape_configs": [job]}
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config), "utf-8")
    monitors = {
        f"127.0.0.{n}": Process(
            module(
                "exporter", "--listen", f"127.0.0.{n}:{port}", "--node-name", f"M{n}", "--state-dir",
                str(directory / f"M{n}"),
            ),
            directory / f"M{n}.log",
        )
        for n in (1, 2)
    }  # fmt: skip
    options = (
        "--listen", bridge, "--castray", castray, "--monitor-port", str(port), "--refresh", "0.3",
        "--status-source", "prometheus", "--prometheus-url", f"http://{prometheus}/",
    )  # fmt: skip
    command = [
        require("prometheus"), f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'tsdb'}", f"--web.listen-address={prometheus}",
    ]  # fmt: skip
    process = Process(module("castray_bridge", *options), directory / "bridge.log")
    running = Site(monitors, command, directory, port, bridge)
    try:
        yield running
    finally:
        for each in (process, *monitors.values()):
            each.kill()


def test_the_course_of_a_site(site: Site) -> None:
    """One course in one test: each step begins where the one before ended."""
    wait_for(lambda: site.shows("M1", workStatusError="no_prometheus"), "a bridge without Prometheus", 20)
    with site.run_prometheus():
        for name in ("M1", "M2"):
            wait_for(lambda name=name: site.shows(name, workStatus="idle", workStatusReachable=True), name, 20)

        site.report("127.0.0.2", status="sending", processed=5, sent_to_server=2)
        entered = time.time()
        wait_for(lambda: site.shows("M2", workStatus="sending"), "the red light", 10)
        node = site.nodes()["M2"]
        assert node["inference"] == {"totalProcessed": 5, "lowConfidence": 1, "sentToServer": 2}
        shown = node["workStatusTimestamp"]
        assert shown is not None
        assert abs(time.mktime(time.strptime(shown[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone - entered) < 3
        assert site.shows("M1", workStatus="idle")

        site.report("127.0.0.2", status="detecting", ttl=1)
        wait_for(lambda: site.shows("M2", workStatus="idle", workStatusStale=True), "the fall-back", 10)

        site.monitors["127.0.0.2"].kill()
        wait_for(lambda: site.shows("M2", workStatusReachable=False, workStatusError="not_scraped"), "a grey light", 10)
        assert site.nodes()["M2"]["inference"]["totalProcessed"] == 6
        assert site.shows("M1", workStatus="idle", workStatusReachable=True)
    wait_for(lambda: site.shows("M1", workStatusReachable=False, workStatusError="no_prometheus"), "no Prometheus", 10)
    metrics = requests.get(f"http://{site.bridge}/metrics", timeout=5).text
    assert 'castray_bridge_probes_total{result="not_scraped"} 0.0' not in metrics
    log = (site.directory / "bridge.log").read_text("utf-8")
    assert log.count("prometheus_failed") == 2
    assert log.count("prometheus_answers") == 1
