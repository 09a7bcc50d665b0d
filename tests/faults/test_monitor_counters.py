"""A journal that comes back older, shorter or not at all: a live Prometheus sees no storm of sends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import yaml

from exporter.reporter import StatusReporter
from exporter.storage.journal import FILE_NAME
from testkit.binaries import require
from testkit.net import free_port, wait_for
from testkit.process import Process
from testkit.running import RunningMonitor

EARLIER, LATER = 2000, 3
"""Sends before the journal is harmed, and after it."""


@contextmanager
def prometheus(directory: Path, target: str) -> Iterator[Callable[[str], float]]:
    """Scrape `target` every half second; yields a function that returns the value of an instant query."""
    address = f"127.0.0.1:{free_port()}"
    scrape = {"job_name": "monitor", "scrape_interval": "500ms", "scrape_timeout": "500ms"}
    config = {"scrape_configs": [scrape | {"static_configs": [{"targets": [target]}]}]}
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        require("prometheus"),
        f"--config.file={directory / 'prometheus.yml'}",
        f"--storage.tsdb.path={directory / 'tsdb'}",
        f"--web.listen-address={address}",
    ]

    def query(text: str) -> float:
        reply = requests.get(f"http://{address}/api/v1/query", params={"query": text}, timeout=5).json()
        result = reply["data"]["result"]
        return float(result[0]["value"][1]) if result else float("nan")

    with Process(command, directory / "prometheus.log"):
        wait_for(lambda: is_ready(address), "Prometheus", 30)
        yield query


def is_ready(address: str) -> bool:
    try:
        return requests.get(f"http://{address}/-/ready", timeout=5).ok
    except requests.ConnectionError:
        return False


def counter(monitor: RunningMonitor) -> float:
    name = 'cmzsb_sent_to_server_total{node="M5"} '
    (line,) = [line for line in monitor.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(line.removeprefix(name))


def restore_backup(state: Path, backup: Path) -> None:
    shutil.rmtree(state)
    shutil.copytree(backup, state)


def cut_the_log(state: Path, _: Path) -> None:
    os.truncate(state / f"{FILE_NAME}-wal", 0)


def remove(state: Path, _: Path) -> None:
    shutil.rmtree(state)


@pytest.mark.parametrize("harm", [restore_backup, cut_the_log, remove])
def test_harmed_journal_looks_like_no_storm_of_sends(tmp_path: Path, harm: Callable[[Path, Path], None]) -> None:
    with RunningMonitor(tmp_path) as monitor, StatusReporter(monitor.url) as reporter:
        reporter.report("sending")
        wait_for(lambda: monitor.stats()["sent_to_server"] == 1, "the first send")
        monitor.kill_9()
        shutil.copytree(monitor.state, tmp_path / "backup")
        monitor.start()
        reporter.report("sending")
        wait_for(lambda: monitor.stats()["sent_to_server"] == 2, "the first send to this process", 20)
        for _ in range(EARLIER - 2):
            reporter.report("sending")
        wait_for(lambda: monitor.stats()["sent_to_server"] == EARLIER, "the sends of hours", 20)
        assert counter(monitor) >= EARLIER - 2
        with prometheus(tmp_path, monitor.address) as query:
            wait_for(lambda: query("count_over_time(cmzsb_sent_to_server_total[1m])") >= 3, "some scrapes", 20)
            monitor.kill_9()
            harm(monitor.state, tmp_path / "backup")
            monitor.start()
            for _ in range(LATER):
                reporter.report("sending")
            wait_for(lambda: monitor.stats()["sent_to_server"] == EARLIER + LATER, "all sends", 20)
            wait_for(lambda: query("resets(cmzsb_sent_to_server_total[5m])") == 1.0, "the restart in Prometheus", 20)
            wait_for(lambda: query("count_over_time(up[5m])") >= 10, "more scrapes", 20)
            # Prometheus extrapolates to the range, so that a few may look like some more.
            assert query("increase(cmzsb_sent_to_server_total[5m])") < 20 * LATER
            assert query("max_over_time(rate(cmzsb_sent_to_server_total[1m])[5m:1s])") < LATER
            # What `CmzsbRestarting` counts: this is one restart of its three.
            assert query("resets((sum by (node) (cmzsb_state_seconds_total))[5m:500ms])") == 1.0
