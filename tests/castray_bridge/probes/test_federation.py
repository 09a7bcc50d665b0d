"""A bridge that asks the Prometheus over two sites, each with a Prometheus and a monitor of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests
import yaml

from testkit.binaries import require
from testkit.fake_ray import FakeRay, RayNode
from testkit.guide import DOCS, typed
from testkit.net import free_port, wait_for
from testkit.process import Process, module
from testkit.running import RunningMonitor

PROMETHEUS = DOCS.parent / "prometheus"
NODES = {"north": ("M1", "127.0.0.31"), "south": ("M2", "127.0.0.32")}


class Centre(NamedTuple):
    """The Prometheus over the sites, the bridge that asks it, and the sites' monitors."""

    prometheus: str
    bridge: str
    monitors: dict[str, RunningMonitor]

    def query(self, text: str) -> list[dict[str, str]]:
        reply = requests.get(f"http://{self.prometheus}/api/v1/query", params={"query": text}, timeout=5).json()
        return [series["metric"] for series in reply["data"]["result"]]

    def shows(self, name: str, **fields: Any) -> bool:
        nodes = requests.get(f"http://{self.bridge}/api/nodes/unified", timeout=5).json()["nodes"]
        node: dict[str, Any] = next((node for node in nodes if node["name"] == name), {})
        return {key: node.get(key) for key in fields} == fields


def run_prometheus(directory: Path, config: dict[str, Any]) -> tuple[str, Process]:
    """Start a Prometheus with `config`, in the folder of the rules; return its address, too."""
    address = f"127.0.0.1:{free_port()}"
    directory.mkdir()
    file = directory / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    command = [
        require("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address={address}",
    ]  # fmt: skip
    return address, Process(command, directory / "log")


def site_config(site: str, monitor: str, node: str) -> dict[str, Any]:
    """Return the committed configuration, with one monitor and a faster pace, as the guide wants it for a site."""
    config: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "900ms", "evaluation_interval": "1s"}
    config["global"]["external_labels"]["site"] = site
    config["rule_files"] = [str(PROMETHEUS / "rules" / "*.yml")]
    del config["alerting"]
    target = {"targets": [monitor], "labels": {"node": node}}
    job = {"job_name": "cmzsb-monitor", "honor_labels": True, "static_configs": [target]}
    config["scrape_configs"] = [job]
    return config


def central_config(sites: list[str]) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load((PROMETHEUS / "prometheus.federation.yml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    job |= {"static_configs": [{"targets": sites}], "scrape_interval": "1s", "scrape_timeout": "900ms"}
    return config


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    with ExitStack() as stack:
        port = free_port([ip for _, ip in NODES.values()])
        monitors, sites = {}, []
        for site, (node, ip) in NODES.items():
            (tmp_path / site).mkdir()
            monitors[site] = stack.enter_context(RunningMonitor(tmp_path / site, address=f"{ip}:{port}", node=node))
            address, process = run_prometheus(tmp_path / f"prometheus-{site}", site_config(site, f"{ip}:{port}", node))
            stack.enter_context(process)
            sites.append(address)
        prometheus, process = run_prometheus(tmp_path / "prometheus", central_config(sites))
        stack.enter_context(process)
        ray = stack.enter_context(FakeRay(*(RayNode(node, ip) for node, ip in NODES.values())))
        bridge = f"127.0.0.1:{free_port()}"
        command = module("castray_bridge", "--listen", bridge, "--ray-dashboard", ray.url, "--monitor-port", str(port))
        stack.enter_context(Process(command, tmp_path / "bridge.log", options_of_the_guide(prometheus)))
        yield Centre(prometheus, bridge, monitors)


def options_of_the_guide(prometheus: str) -> dict[str, str]:
    lines = [line for line in typed((DOCS / "operations.md").read_text("utf-8")) if line.startswith("CASTRAY_BRIDGE_")]
    pairs = (line.split("=", 1) for line in lines)
    return {name: value.replace("127.0.0.1:9090", prometheus) for name, value in pairs}


def test_the_course_of_two_sites_under_one_prometheus(centre: Centre) -> None:
    """One course in one test: each step begins where the one before ended."""

    def seen(what: Callable[[], object], name: str) -> None:
        wait_for(what, name, 40)

    for node, _ in NODES.values():
        seen(lambda node=node: centre.shows(node, workStatus="idle", workStatusReachable=True), node)
    centre.monitors["south"].report(status="sending")
    seen(lambda: centre.shows("M2", workStatus="sending"), "the red light")
    assert centre.shows("M1", workStatus="idle")

    # What the dashboards ask for: each site's own figures, raw series, up.
    seen(lambda: len(centre.query('fleet:cmzsb_work_state:count{state="idle"}')) == 2, "both fleets")
    found = centre.query('fleet:cmzsb_work_state:count{state="idle"}')
    assert sorted(series["site"] for series in found) == ["north", "south"]
    assert sorted(series["node"] for series in centre.query('up{job="cmzsb-monitor"} == 1')) == ["M1", "M2"]
    assert {key for series in centre.query('{site="north"}') for key in series}.isdisjoint({"grafana_url", "docs_url"})

    centre.monitors["south"].kill_9()
    seen(lambda: centre.shows("M2", workStatusError="not_scraped"), "a grey light")
    assert centre.shows("M1", workStatus="idle", workStatusReachable=True)
