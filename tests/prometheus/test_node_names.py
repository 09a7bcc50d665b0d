"""Boards with equal names under a real Prometheus: the bridge's names are the only ones."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from testkit.binaries import require
from testkit.fake_ray import FakeRay, RayNode
from testkit.net import free_port, get_json, wait_for
from testkit.process import Process
from testkit.prometheus_config import SOURCE, Addresses, write_prometheus
from testkit.running import RunningBridge, RunningMonitor

NODES = [RayNode(f"M{n}", f"127.0.0.{n}") for n in (1, 2, 3, 4)]
OWN_NAMES = ("ubuntu", "ubuntu", "ubuntu", "M4")


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.static.yml"])
def test_targets_name_wins_in_every_configuration(name: str) -> None:
    jobs = {job["job_name"]: job for job in yaml.safe_load((SOURCE / name).read_text("utf-8"))["scrape_configs"]}
    job = jobs["cmzsb-monitor"]
    assert not job.get("honor_labels")
    assert {"regex": "exported_node", "action": "labeldrop"} in job["metric_relabel_configs"]


def test_three_boards_of_one_image_and_a_named_one_are_four_nodes(tmp_path: Path) -> None:
    port = free_port([node.ip for node in NODES])
    with ExitStack() as stack:
        ray = stack.enter_context(FakeRay(*NODES))
        for node, name in zip(NODES, OWN_NAMES, strict=True):
            directory = tmp_path / node.name
            directory.mkdir()
            stack.enter_context(RunningMonitor(directory, address=f"{node.ip}:{port}", node=name))
        bridge = stack.enter_context(
            RunningBridge(tmp_path, "--ray-dashboard", ray.url, "--monitor-port", str(port), "--refresh", "0.3")
        )
        url = f"http://{(own := f'127.0.0.1:{free_port()}')}"
        addresses = Addresses(bridge.address, own, f"127.0.0.1:{free_port()}")
        config = write_prometheus(tmp_path, addresses, tmp_path / "ray.json")
        prometheus = Process(
            [require("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
             f"--web.listen-address={own}"],
            tmp_path / "prometheus.log",
        )  # fmt: skip
        stack.callback(prometheus.kill)

        def query(text: str) -> list[tuple[dict[str, str], float]]:
            found: list[dict[str, Any]] = get_json(f"{url}/api/v1/query?query={text}")["data"]["result"]
            return [(series["metric"], float(series["value"][1])) for series in found]

        def lights() -> list[str]:
            return sorted(labels["node"] for labels, _ in query('cmzsb_work_status{state="idle"}'))

        wait_for(lambda: lights() == ["M1", "M2", "M3", "M4"], "four nodes", 30)
        assert query('{exported_node!=""}') == []
        assert query('cmzsb_work_status{node="ubuntu"}') == []
        mismatch = "castray_bridge_node_name_mismatch"
        wait_for(lambda: len(query(mismatch)) == 4, "the bridge's metric", 20)
        wait_for(
            lambda: (
                {labels["node"]: value for labels, value in query(mismatch)} == {"M1": 1, "M2": 1, "M3": 1, "M4": 0}
            ),
            "the conflicts",
            20,
        )
        assert bridge.process.output().count("node_name_conflict") == 3
