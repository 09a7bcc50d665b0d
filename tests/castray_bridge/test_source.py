"""Ray's dashboard and an old CastRay over HTTP, well and ill."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from flask import Flask, Response, jsonify, redirect, request

from castray_bridge.cluster import SourceError
from castray_bridge.json_client import BUDGET
from castray_bridge.source import CastRaySource, RaySource
from tests.castray_bridge.samples import sample
from tests.support.net import free_port
from tests.support.web import WebServer


class FakeRay:
    """Ray's three questions; `ill` replaces the answer to the first."""

    def __init__(self) -> None:
        self.ill: Any = None
        self.limits: list[str | None] = []
        self.token: str | None = None
        self.ended = threading.Event()
        self.app = Flask("ray")
        self.app.get("/api/v0/nodes")(self._nodes)
        for path, name in (
            ("/nodes", "ray_nodes_summary"),
            ("/api/cluster_status", "ray_cluster_status"),
            ("/api/ray-dashboard", "castray_ray_dashboard"),
        ):
            self.app.add_url_rule(path, name, partial(sample, name))

    def _nodes(self) -> Any:
        self.limits.append(request.args.get("limit"))
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return "token", 401
        return self.ill() if self.ill else jsonify(sample("ray_api_v0_nodes"))


@pytest.fixture
def ray() -> Iterator[FakeRay]:
    fake = FakeRay()
    yield fake
    fake.ended.set()


@pytest.fixture
def url(ray: FakeRay) -> Iterator[str]:
    with WebServer(ray.app) as server:
        yield server.url


def test_all_nodes_are_asked_for(ray: FakeRay, url: str) -> None:
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
def test_ill_ray_is_an_error_that_says_so(ray: FakeRay, url: str, answer: Any, said: str) -> None:
    ray.ill = answer
    with pytest.raises(SourceError, match=said):
        RaySource(url).fetch()


def test_token_mode_has_its_own_message(ray: FakeRay, url: str) -> None:
    ray.token = "right"
    with pytest.raises(SourceError, match="--ray-token-file"):
        RaySource(url).fetch()
    assert RaySource(url, "right").fetch().nodes


def test_hanging_ray_ends_with_the_budget(ray: FakeRay, url: str) -> None:
    def hang() -> str:
        ray.ended.wait(20)
        return ""

    ray.ill = hang
    begun = time.monotonic()
    with pytest.raises(SourceError, match="does not answer"):
        RaySource(url).fetch()
    assert time.monotonic() - begun < BUDGET + 1


def test_dripping_ray_ends_with_the_budget_too(ray: FakeRay, url: str) -> None:
    def drip() -> Iterator[bytes]:
        while not ray.ended.wait(0.2):
            yield b" "

    ray.ill = lambda: Response(drip())
    begun = time.monotonic()
    with pytest.raises(SourceError, match="does not answer"):
        RaySource(url).fetch()
    assert time.monotonic() - begun < 2 * BUDGET


def test_no_ray_at_all_is_an_error() -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        RaySource(f"http://127.0.0.1:{free_port()}").fetch()
