"""A past that was written to a real Prometheus is there when it is queried."""

from __future__ import annotations

import time
from pathlib import Path

import requests

from testkit import remote_write
from testkit.binaries import require
from testkit.net import free_port
from testkit.running import RunningProgram


def test_written_samples_are_found_by_a_query(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text("scrape_configs: []", "utf-8")
    port, now = free_port(), time.time()
    command = [
        require("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
    ]  # fmt: skip
    with RunningProgram(command, port, "/-/ready", tmp_path / "prometheus.log") as prometheus:
        for node, step in (("M1", 1), ("M2", 2)):
            past = remote_write.samples([(now - 600 + 15 * number, step * number) for number in range(40)])
            labels = {"__name__": "cmzsb_processed_total", "node": node, "instance": "x:1", "job": "j"}
            remote_write.write(prometheus.url, [remote_write.time_series(labels, past)])
        query = {"query": "changes(cmzsb_processed_total[15m])", "time": str(now)}
        found = requests.get(f"{prometheus.url}/api/v1/query", query, timeout=5).json()["data"]["result"]
        last = requests.get(f"{prometheus.url}/api/v1/query", query | {"query": "cmzsb_processed_total"}, timeout=5)
    assert {(each["metric"]["node"], each["value"][1]) for each in found} == {("M1", "39"), ("M2", "39")}
    assert {each["value"][1] for each in last.json()["data"]["result"]} == {"39", "78"}
