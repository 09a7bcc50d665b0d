"""A node of a real Ray cluster joins, loses its monitor, dies and comes back: what the bridge shows of it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from testkit.net import free_port, wait_for
from testkit.ray_cluster import NodeSpec, RayCluster
from testkit.running import RunningBridge, RunningMonitor

pytestmark = pytest.mark.timeout(150)
HEAD, NODE = (NodeSpec(f"M{number}", f"127.0.24.{number}") for number in (1, 2))
AT_ONCE = 4.0
"""Seconds: two refreshes, and a machine that runs Ray and other tests."""


class Site:
    """A cluster that has its head only, whose monitor runs, and a bridge with the default options."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self.port = free_port([HEAD.ip, NODE.ip])
        self.cluster = RayCluster(directory / "r", free_port())
        self.cluster.directory.mkdir()
        stack.callback(self.cluster.close)
        self.cluster.start([HEAD])
        self.start_monitor(HEAD, "detecting")
        options = ("--ray-dashboard", self.cluster.dashboard_url, "--monitor-port", str(self.port))
        self.bridge: RunningBridge = stack.enter_context(RunningBridge(directory, *options))

    def start_monitor(self, spec: NodeSpec, status: str) -> RunningMonitor:
        folder = self._directory / spec.name
        folder.mkdir(exist_ok=True)
        monitor: RunningMonitor = self._stack.enter_context(
            RunningMonitor(folder, address=f"{spec.ip}:{self.port}", node=spec.name)
        )
        assert monitor.report(status=status, ttl=600).ok
        return monitor

    def lives(self, spec: NodeSpec) -> list[tuple[str, str, str | None]]:
        """Return Ray's state, the light and the error of every entry of the node."""
        nodes = self.bridge.get("/api/nodes/unified").json()["nodes"]
        return [
            (node["state"], node["workStatus"], node["workStatusError"]) for node in nodes if node["name"] == spec.name
        ]

    def targets(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.bridge.get("/sd/prometheus").json()
        return found

    def questions_under_way(self, spec: NodeSpec) -> int:
        """Return how many connections the bridge has to the node's monitor."""
        connections = [one for process in self.bridge.processes() for one in process.net_connections("tcp")]
        return sum(one.raddr == (spec.ip, self.port) and one.status == psutil.CONN_ESTABLISHED for one in connections)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    # Short, because Ray puts Unix sockets below it.
    directory = Path(tempfile.mkdtemp(prefix="cz-"))
    monkeypatch.setenv("RAY_TMPDIR", "")  # the cluster sets it; this puts it back
    try:
        with ExitStack() as stack:
            yield Site(directory, stack)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_node_joins_goes_grey_dies_and_comes_back_as_one_light(site: Site) -> None:
    wait_for(lambda: site.lives(HEAD) == [("ALIVE", "detecting", None)], "the head", 20)

    site.cluster.add(NODE)
    monitor = site.start_monitor(NODE, "sending")
    wait_for(lambda: site.lives(NODE) == [("ALIVE", "sending", None)], "the node that joined", AT_ONCE)

    monitor.kill_9()
    wait_for(lambda: site.lives(NODE)[0][1:] in {("idle", "refused"), ("idle", "bad_reply")}, "grey", AT_ONCE)
    assert [state for state, *_ in site.lives(NODE)] == ["ALIVE"]
    assert site.lives(HEAD) == [("ALIVE", "detecting", None)]
    monitor.start()
    assert monitor.report(status="sending", ttl=600).ok
    wait_for(lambda: site.lives(NODE) == [("ALIVE", "sending", None)], "the light again", AT_ONCE)

    # A power cut: Ray goes on calling the node ALIVE for a while, its light is grey at once.
    site.cluster.kill(NODE.name)
    monitor.kill_9()
    killed = time.monotonic()
    wait_for(lambda: site.lives(NODE)[0][2] in {"refused", "bad_reply"}, "grey", AT_ONCE)
    assert [state for state, *_ in site.lives(NODE)] == ["ALIVE"]
    wait_for(lambda: site.lives(NODE) == [("DEAD", "idle", "dead")], "DEAD", 40)
    assert time.monotonic() - killed > AT_ONCE
    assert [group["labels"]["node"] for group in site.targets()] == [HEAD.name, NODE.name]  # lost, but still a target

    site.cluster.add(NODE)
    monitor.start()
    assert monitor.report(status="detecting", ttl=600).ok
    twins = [("ALIVE", "detecting", None), ("DEAD", "idle", "dead")]
    wait_for(lambda: sorted(site.lives(NODE)) == twins, "the living twin's light beside the dead one", AT_ONCE)
    groups = [group for group in site.targets() if group["labels"]["node"] == NODE.name]
    assert [group["targets"] for group in groups] == [[f"{NODE.ip}:{site.port}"]]
    summary = site.bridge.get("/api/ray-dashboard").json()["data"]["summary"]
    assert summary["workStatus"] == {"unknown": 0, "idle": 0, "detecting": 2, "sending": 0}
    assert site.bridge.get(f"/api/nodes/{NODE.ip}/status").json()["state"] == "ALIVE"
    under_way = [site.questions_under_way(NODE) for _ in range(20)]
    assert max(under_way) == 1, under_way
    assert "Traceback" not in site.bridge.process.output()
