"""Ray's dashboard and an existing CastRay as sources, over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask, Response, jsonify, redirect, request

from castray_bridge.sources.cluster import SourceError
from castray_bridge.sources.json_client import BUDGET
from castray_bridge.sources.source import CastRaySource, RaySource
from testkit.net import free_port
from testkit.samples import sample
from testkit.web import WebServer


class ScriptedRay:
    """Ray and CastRay; `list_reply` replaces the reply with the node list, `usage_reply` that with the usage."""

    def __init__(self) -> None:
        self.list_reply: Any = None
        self.usage_reply: Any = None
        self.limits: list[str | None] = []
        self.token: str | None = None
        self.ended = threading.Event()
        self.app = Flask("ray")
        self.app.get("/api/v0/nodes")(self._nodes)
        self.app.get("/nodes")(self._figures)
        for path, name in (
            ("/api/cluster_status", "ray_cluster_status"),
            ("/api/ray-dashboard", "castray_ray_dashboard"),
        ):
            self.app.add_url_rule(path, name, partial(sample, name))

    def _nodes(self) -> Any:
        self.limits.append(request.args.get("limit"))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return "token", 401
        return self.list_reply() if self.list_reply else jsonify(sample("ray_api_v0_nodes"))

    def _figures(self) -> Any:
        return self.usage_reply() if self.usage_reply else jsonify(sample("ray_nodes_summary"))


@pytest.fixture
def ray() -> Iterator[ScriptedRay]:
    fake = ScriptedRay()
    yield fake
    fake.ended.set()


@pytest.fixture
def url(ray: ScriptedRay) -> Iterator[str]:
    with WebServer(ray.app) as server:
        yield server.url


def test_all_nodes_are_requested(ray: ScriptedRay, url: str) -> None:
    assert len(RaySource(url).fetch().nodes) == 4
    assert ray.limits == ["10000"]


def test_existing_castray_is_read(url: str) -> None:
    assert len(CastRaySource(url).fetch().nodes) == 4


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: ("boom", 500), "Ray answers 500"),
        (lambda: "<html>", "not JSON"),
        (lambda: Response(b"\xff\x00", content_type="application/json"), "not JSON"),
        (lambda: redirect("http://169.254.169.254/"), "Ray answers 302"),
        (lambda: jsonify([]), "no node list"),
    ],
)
def test_bad_reply_of_ray_is_an_error_that_tells_the_reason(ray: ScriptedRay, url: str, answer: Any, said: str) -> None:
    ray.list_reply = answer
    with pytest.raises(SourceError, match=said):
        RaySource(url).fetch()


def test_token_mode_has_its_own_message(ray: ScriptedRay, url: str) -> None:
    ray.token = "right"
    with pytest.raises(SourceError, match="--ray-token-file"):
        RaySource(url).fetch()
    assert RaySource(url, "right").fetch().nodes


def test_all_requests_of_a_round_share_one_budget(ray: ScriptedRay, url: str) -> None:
    def drip() -> Iterator[bytes]:
        while not ray.ended.wait(0.1):
            yield b" "

    ray.usage_reply = lambda: Response(drip())
    ray.list_reply = lambda: (ray.ended.wait(0.7), jsonify(sample("ray_api_v0_nodes")))[1]
    begun = time.monotonic()
    cluster = RaySource(url).fetch()
    assert time.monotonic() - begun < BUDGET + 0.4
    assert [node.fields["usageKnown"] for node in cluster.nodes] == [False] * 4
    # The third question did not wait for the second.
    assert cluster.data["summary"]["usageKnown"] is True


def test_names_stay_while_the_request_for_host_names_fails(ray: ScriptedRay, url: str) -> None:
    nodes, summary = sample("ray_api_v0_nodes"), sample("ray_nodes_summary")
    for entry in nodes["data"]["result"]["result"]:
        entry["resources_total"].pop("M1", None)
    for row in summary["data"]["summary"]:
        row["hostname"] = f"board-{row['ip'][-1]}"
    ray.list_reply, ray.usage_reply = (lambda: jsonify(nodes)), (lambda: jsonify(summary))
    source = RaySource(url)
    before = [node.name for node in source.fetch().nodes]
    assert before[0] == "board-1"
    ray.usage_reply = lambda: ("boom", 500)
    assert [node.name for node in source.fetch().nodes] == before


def test_integers_beyond_a_doubles_precision_pass_through(ray: ScriptedRay, url: str) -> None:
    nodes = sample("ray_api_v0_nodes")
    nodes["data"]["result"]["serial"] = 2**70
    ray.list_reply = lambda: jsonify(nodes)
    assert RaySource(url).fetch().data["result"]["serial"] == 2**70


def test_no_ray_at_all_is_an_error() -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        RaySource(f"http://127.0.0.1:{free_port()}").fetch()
