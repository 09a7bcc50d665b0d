"""`GET /api/history` of the bridge: whose history, in which form, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from castray_bridge.bridge import Bridge
from castray_bridge.sources.cluster import Cluster
from castray_bridge.web.access import Access
from castray_bridge.web.api import create_app
from castray_bridge.web.history import MAX_NODES
from castray_bridge.web.websocket import Push
from servicekit.clock import rfc3339
from testkit.bridge_world import World
from testkit.clocks import ManualClock
from testkit.monitors import running_monitor
from testkit.sources import StillSource, node
from testkit.web import WebServer

T = 1_800_000_000.0


@pytest.fixture
def client(tmp_path: Path) -> Iterator[FlaskClient]:
    """A bridge over M5, a real monitor that was 45 s in detecting and is in sending for 45 s."""
    clock = ManualClock()
    with running_monitor(tmp_path, clock) as monitor, WebServer(monitor.app) as server:
        bridge = Bridge(StillSource(Cluster((node("M5", "127.0.0.1"),))), monitor_port=server.port, clock=clock)
        bridge.poller.refresh()
        for status in ("detecting", "sending"):
            assert monitor.app.test_client().post("/api/update_status", json={"status": status}).status_code == 200
            clock.pass_(45)
        try:
            yield create_app(bridge, Push(bridge.store, bridge.metrics, 10), Access()).test_client()
        finally:
            bridge.close()


def test_transitions_of_a_real_monitor_are_shown_by_the_name_of_its_node(client: FlaskClient) -> None:
    shown = client.get("/api/history?node=M5&minutes=60").get_json()["nodes"]
    last = client.get("/api/history?minutes=1").get_json()["nodes"]
    transitions = [(entry["status"], entry["timestamp"], entry["duration_seconds"]) for entry in shown["M5"][-2:]]
    assert transitions == [("detecting", rfc3339(T), 45.0), ("sending", rfc3339(T + 45), 45.0)]
    assert [entry["status"] for entry in last["M5"]] == ["detecting", "sending"]


def test_shares_of_a_real_monitor_are_shown_by_the_name_of_its_node(client: FlaskClient) -> None:
    reply = client.get("/api/history?node=M5&node=M6&minutes=2&step=60").get_json()
    shown = reply.pop("nodes")
    assert reply == {"step": 60, "minutes": 2}
    assert shown["M5"]["begin"] == rfc3339(T - 60)
    assert shown["M5"]["seconds"]["detecting"] == [0.0, 45.0, 0.0]
    assert shown["M5"]["seconds"]["sending"] == [0.0, 15.0, 30.0]
    assert shown.keys() == {"M5"}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("minutes=0", "minutes"), ("minutes=1441", "minutes"), ("minutes=x", "minutes"), ("step=61", "step"),
        ("step=0", "step"), ("step=7200", "step"), ("step=", "step"),
        ("step=60&" + "&".join(f"node=M{n}" for n in range(MAX_NODES + 1)), "node"),
    ],
)  # fmt: skip
def test_wrong_parameter_is_named(world: World, query: str, named: str) -> None:
    reply = world.client.get(f"/api/history?{query}")
    assert reply.status_code == 400
    assert reply.get_json()["error"].startswith(f"{named}: ")


def test_names_of_which_none_lives_are_not_found(world: World) -> None:
    assert world.client.get("/api/history?node=M99&step=60").status_code == 404
    assert world.client.get("/api/history?node=M99").status_code == 404
