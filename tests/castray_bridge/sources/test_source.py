"""Ray's dashboard and an old CastRay over HTTP, well and ill."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask, Response, jsonify, redirect, request

from castray_bridge.bridge import Bridge
from castray_bridge.sources import json_client
from castray_bridge.sources.cluster import SourceError
from castray_bridge.sources.cuttable import CuttableAdapter
from castray_bridge.sources.json_client import BUDGET, JsonClient
from castray_bridge.sources.source import CastRaySource, RaySource
from testkit.hostile import TlsServer, endless, serving, silent
from testkit.net import free_port, wait_for
from testkit.samples import sample
from testkit.web import WebServer


class FakeRay:
    """Ray's three questions and CastRay's; `ill` replaces the answer to the first, `ill_figures` to the second."""

    def __init__(self) -> None:
        self.ill: Any = None
        self.ill_figures: Any = None
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
        return self.ill() if self.ill else jsonify(sample("ray_api_v0_nodes"))

    def _figures(self) -> Any:
        return self.ill_figures() if self.ill_figures else jsonify(sample("ray_nodes_summary"))


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


HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "lines of the head": endless(HEAD, b"X-A: b\r\n", 0.05),
    "bytes of one header": endless(HEAD + b"X-A: ", b"a", 0.05),
    "a body of known length": endless(HEAD + b"Content-Length: 100000\r\n\r\n[", b" ", 0.05),
    "a body until the connection ends": endless(HEAD + b"\r\n[", b" ", 0.05),
    "chunks": endless(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.05),
    "nothing": silent,
}


@pytest.fixture
def short_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_client, "BUDGET", 0.4)


def fails_within(seconds: float, ask: Callable[[], Any], said: str) -> None:
    begun = time.monotonic()
    with pytest.raises(SourceError, match=said):
        ask()
    assert time.monotonic() - begun < seconds


@pytest.mark.usefixtures("short_budget")
@pytest.mark.parametrize(("scheme", "drip"), [*(("http", drip) for drip in DRIPS), ("https", "nothing")])
def test_service_that_drips_is_left_when_the_budget_is_spent(scheme: str, drip: str) -> None:
    with serving(DRIPS[drip]) as server:
        client = JsonClient("Ray", None, "")
        fails_within(0.9, lambda: client.get(f"{scheme}://{server.address}/"), "Ray does not answer within 0.4 s")
        assert "question" not in {thread.name for thread in threading.enumerate()}


def test_question_within_tls_can_be_cut(tmp_path: Path) -> None:
    with TlsServer(DRIPS["a body of known length"], tmp_path) as server:
        adapter = CuttableAdapter()
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", adapter)
            reply = session.get(f"https://{server.address}/", verify=str(server.certificate), stream=True, timeout=5)
            threading.Timer(0.2, adapter.cut).start()
            begun = time.monotonic()
            with pytest.raises(requests.RequestException):
                _ = reply.content
            assert time.monotonic() - begun < 2


def test_one_budget_is_for_all_questions_of_a_turn(ray: FakeRay, url: str) -> None:
    def drip() -> Iterator[bytes]:
        while not ray.ended.wait(0.1):
            yield b" "

    ray.ill_figures = lambda: Response(drip())
    ray.ill = lambda: (ray.ended.wait(0.7), jsonify(sample("ray_api_v0_nodes")))[1]
    begun = time.monotonic()
    cluster = RaySource(url).fetch()
    assert time.monotonic() - begun < BUDGET + 0.4
    assert [node.fields["usageKnown"] for node in cluster.nodes] == [False] * 4
    # The third question did not wait for the second.
    assert cluster.data["summary"]["usageKnown"] is True


def test_names_stay_while_the_question_for_host_names_fails(ray: FakeRay, url: str) -> None:
    nodes, summary = sample("ray_api_v0_nodes"), sample("ray_nodes_summary")
    for entry in nodes["data"]["result"]["result"]:
        entry["resources_total"].pop("M1", None)
    for row in summary["data"]["summary"]:
        row["hostname"] = f"board-{row['ip'][-1]}"
    ray.ill, ray.ill_figures = (lambda: jsonify(nodes)), (lambda: jsonify(summary))
    source = RaySource(url)
    before = [node.name for node in source.fetch().nodes]
    assert before[0] == "board-1"
    ray.ill_figures = lambda: ("boom", 500)
    assert [node.name for node in source.fetch().nodes] == before


@pytest.mark.usefixtures("short_budget")
def test_resolver_that_hangs_costs_the_budget_and_one_thread(
    ray: FakeRay, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve, answers, asked = socket.getaddrinfo, threading.Event(), []

    def hang(host: str, *more: Any, **options: Any) -> Any:
        asked.append(host)
        answers.wait(20)
        return resolve("127.0.0.1", *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    client = JsonClient("Ray", None, "")
    named = url.replace("127.0.0.1", "head.example")
    for _ in range(2):
        fails_within(1.0, lambda: client.get(f"{named}api/cluster_status"), "does not answer within 0.4 s")
    assert asked == ["head.example"]
    answers.set()
    assert client.get(f"{named}api/cluster_status") == sample("ray_cluster_status")


def test_bridge_closes_while_nobody_answers_its_questions() -> None:
    with serving(DRIPS["lines of the head"]) as server:
        bridge = Bridge(RaySource(f"http://{server.address}"))
        bridge.start()
        wait_for(lambda: server.questions, "a question")
        begun = time.monotonic()
        bridge.close()
        assert time.monotonic() - begun < 2.6
    assert bridge.poller.failure == "Ray does not answer within 2 s"


def test_proxies_of_the_environment_are_ignored(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert len(RaySource(url).fetch().nodes) == 4


def test_integers_beyond_a_doubles_precision_pass_through(ray: FakeRay, url: str) -> None:
    nodes = sample("ray_api_v0_nodes")
    nodes["data"]["result"]["serial"] = 2**70
    ray.ill = lambda: jsonify(nodes)
    assert RaySource(url).fetch().data["result"]["serial"] == 2**70


def test_no_ray_at_all_is_an_error() -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        RaySource(f"http://127.0.0.1:{free_port()}").fetch()
