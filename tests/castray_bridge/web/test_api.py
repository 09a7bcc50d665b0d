"""The bridge's HTTP API, without a server."""

from __future__ import annotations

from typing import Any

import pytest

from castray_bridge.bridge import Bridge
from castray_bridge.refresher import LATE_SECONDS, MAX_AGE
from castray_bridge.sources.cluster import Cluster
from castray_bridge.web.access import Access
from castray_bridge.web.api import create_app
from castray_bridge.web.websocket import Push
from testkit.bridge_world import World
from testkit.sources import StillSource, sample_cluster

NODE_DATA = ("/api/ray-dashboard", "/api/nodes/unified", "/api/nodes/M1/status", "/api/history?node=M1")


def test_list_of_a_failing_ray_is_kept_marked_and_given_up_after_five_minutes(world: World) -> None:
    world.bridge._requests.timeout = 0.1  # nobody is there to answer it
    world.source.failure = "Ray answers 500"
    world.bridge.poller.refresh()
    reply = world.client.get("/api/ray-dashboard")
    assert (reply.get_json()["result"], reply.get_json()["msg"]) == (False, "Ray answers 500")
    assert len(reply.get_json()["data"]["nodes"]) == 4
    assert {path: world.client.get(path).status_code for path in NODE_DATA} == dict.fromkeys(NODE_DATA, 200)
    world.clock.pass_(MAX_AGE + 1)
    assert {path: world.client.get(path).status_code for path in NODE_DATA} == dict.fromkeys(NODE_DATA, 503)
    assert "Ray answers 500" in world.get("/api/nodes/unified")["error"]
    world.source.failure = None
    world.bridge.poller.refresh()
    assert {path: world.client.get(path).status_code for path in NODE_DATA} == dict.fromkeys(NODE_DATA, 200)


def test_before_the_first_list_there_is_no_node_data() -> None:
    bridge = Bridge(StillSource(sample_cluster()))
    client = create_app(bridge, Push(bridge.store, bridge.metrics, 10), Access()).test_client()
    assert {path: client.get(path).status_code for path in NODE_DATA} == dict.fromkeys(NODE_DATA, 503)


def test_request_that_is_overdue_is_a_failure_before_it_ends(world: World) -> None:
    def hang() -> Cluster:
        world.clock.pass_(LATE_SECONDS + 1)
        seen.append(world.client.get("/sd/prometheus").status_code)
        seen.append(world.get("/api/ray-dashboard")["msg"])
        return world.source.cluster

    seen: list[Any] = []
    world.source.fetch = hang  # type: ignore[method-assign]
    world.bridge.poller.refresh()
    assert seen == [503, "the source of nodes has not replied for 6 s"]
    assert world.get("/api/ray-dashboard")["result"] is True


def test_service_discovery_says_503_rather_than_nothing(world: World) -> None:
    assert [group["labels"]["node"] for group in world.get("/sd/prometheus")] == ["M1", "M2", "M3"]
    world.source.failure = "Ray cannot be reached"
    world.bridge.poller.refresh()
    assert world.client.get("/sd/prometheus").status_code == 503
    assert world.client.get("/api/health").status_code == 503


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/api/nodes/M9/status", 404),
        ("/api/nodes/..%2f..%2fetc%2fpasswd/status", 404),
        ("/nothing", 404),
        ("/api/history?minutes=0", 400),
        ("/api/history?minutes=x", 400),
        ("/api/history?minutes=99999999999999999999", 400),
        ("/api/history?node=M9", 404),
    ],
)
def test_wrong_request_is_a_json_error(world: World, path: str, code: int) -> None:
    reply = world.client.get(path)
    assert reply.status_code == code
    assert list(reply.get_json()) == ["error"]


def test_visitor_cannot_make_the_bridge_ask_another_address(world: World) -> None:
    reply = world.get("/api/ray-dashboard?dashboard_url=http://169.254.169.254/")
    assert reply["data"]["dashboardUrl"] == "http://head:8265"


def test_unexpected_error_is_counted_and_tells_nothing(world: World) -> None:
    def broken() -> None:
        raise RuntimeError("secret")

    world.client.application.add_url_rule("/broken", "broken", broken)
    assert world.get("/broken") == {"error": "internal error"}
    assert "castray_bridge_http_errors_total 1.0" in world.client.get("/metrics").get_data(as_text=True)
