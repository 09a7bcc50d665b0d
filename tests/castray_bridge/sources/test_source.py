"""Ray's dashboard and an existing CastRay as sources, over HTTP."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, jsonify, redirect, request

from castray_bridge.sources.cluster import Cluster, SourceError
from castray_bridge.sources.json_client import BUDGET
from castray_bridge.sources.source import CastRaySource, FallbackSource, RaySource
from testkit.clocks import ManualClock
from testkit.hostile import TlsServer, body, says
from testkit.net import free_port
from testkit.samples import sample
from testkit.sources import node
from testkit.web import WebServer


class ScriptedRay:
    """Ray and CastRay; `list_reply` replaces the reply with the node list, `usage_reply` that with the usage."""

    def __init__(self) -> None:
        self.list_reply: Any = None
        self.usage_reply: Any = None
        self.limits: list[str | None] = []
        self.usages = 0
        """How often the usage was requested."""
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
        self.usages += 1
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
    clock = ManualClock()
    source = RaySource(url, monotonic=clock.monotonic)
    before = [node.name for node in source.fetch().nodes]
    assert before[0] == "board-1"
    ray.usage_reply = lambda: ("boom", 500)
    clock.pass_(5)
    after = source.fetch().nodes
    assert [node.name for node in after] == before
    assert not any(node.fields["usageKnown"] for node in after)


def test_figures_of_use_are_requested_every_five_seconds_and_the_list_each_time(ray: ScriptedRay, url: str) -> None:
    clock = ManualClock()
    source = RaySource(url, monotonic=clock.monotonic)
    first = source.fetch()
    summary = sample("ray_nodes_summary")
    summary["data"]["summary"][0]["cpu"] = 77.0
    ray.usage_reply = lambda: jsonify(summary)
    for _ in range(4):
        clock.pass_(1)
        assert source.fetch() is first  # nothing to compare, or to make anew
    assert (len(ray.limits), ray.usages) == (5, 1)
    clock.pass_(1)
    second = source.fetch()
    assert (len(ray.limits), ray.usages) == (6, 2)
    assert (first.nodes[0].fields["cpu"], second.nodes[0].fields["cpu"]) == (20.4, 77.0)


def test_new_list_comes_with_new_figures_at_once(ray: ScriptedRay, url: str) -> None:
    """A node that joins is named by what the figures tell of it."""
    clock = ManualClock()
    source = RaySource(url, monotonic=clock.monotonic)
    source.fetch()
    nodes = sample("ray_api_v0_nodes")
    nodes["data"]["result"]["result"][0]["state"] = "DEAD"
    ray.list_reply = lambda: jsonify(nodes)
    clock.pass_(1)
    assert source.fetch().data["summary"]["aliveNodes"] == 2
    assert ray.usages == 2
    clock.pass_(1)
    source.fetch()
    assert ray.usages == 2


def test_figures_that_fail_are_unknown_until_the_next_request(ray: ScriptedRay, url: str) -> None:
    """A Ray that is too slow for them is not asked for them each second."""
    clock = ManualClock()
    source = RaySource(url, monotonic=clock.monotonic)
    source.fetch()
    ray.usage_reply = lambda: ("boom", 500)
    for seconds, known, requested in ((5, False, 2), (1, False, 2), (4, True, 3)):
        clock.pass_(seconds)
        assert source.fetch().nodes[0].fields["usageKnown"] is known
        assert ray.usages == requested
        ray.usage_reply = None


def test_first_figures_are_requested_until_they_come_because_names_may_depend_on_them(
    ray: ScriptedRay, url: str
) -> None:
    clock = ManualClock()
    source = RaySource(url, monotonic=clock.monotonic)
    ray.usage_reply = lambda: ("boom", 500)
    assert not source.fetch().nodes[0].fields["usageKnown"]
    ray.usage_reply = None
    clock.pass_(1)
    assert source.fetch().nodes[0].fields["usageKnown"]
    assert ray.usages == 2


def test_list_that_fails_and_comes_back_is_the_same_cluster(ray: ScriptedRay, url: str) -> None:
    clock = ManualClock()
    source = RaySource(url, monotonic=clock.monotonic)
    first = source.fetch()
    ray.list_reply = lambda: "<html>"
    with pytest.raises(SourceError, match="not JSON"):
        source.fetch()
    ray.list_reply = None
    assert source.fetch() is first


def test_reason_of_missing_figures_is_logged_once(ray: ScriptedRay, url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    clock = ManualClock()
    source = RaySource(url, monotonic=clock.monotonic)
    for reply in (lambda: ("boom", 500), lambda: ("boom", 500), None, None):
        ray.usage_reply = reply
        source.fetch()
        clock.pass_(5)
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("castray_bridge")]
    assert lines == ['ray_figures_failed reason="Ray answers 500" held_back=0', "ray_figures_answer held_back=0"]


@pytest.mark.parametrize("figures", [{"data": {"summary": "none"}}, {"data": {"summary": [7, None]}}, [], None, "x"])
def test_figures_of_another_shape_are_unknown(ray: ScriptedRay, url: str, figures: Any) -> None:
    ray.usage_reply = lambda: jsonify(figures)
    assert [node.fields["usageKnown"] for node in RaySource(url).fetch().nodes] == [False] * 4


def test_integers_beyond_a_doubles_precision_pass_through(ray: ScriptedRay, url: str) -> None:
    nodes = sample("ray_api_v0_nodes")
    nodes["data"]["result"]["serial"] = 2**70
    ray.list_reply = lambda: jsonify(nodes)
    assert RaySource(url).fetch().data["result"]["serial"] == 2**70


def test_no_ray_at_all_is_an_error() -> None:
    with pytest.raises(SourceError, match="cannot be reached"):
        RaySource(f"http://127.0.0.1:{free_port()}").fetch()


def limited(ray: ScriptedRay, supported: int, nodes: Any) -> Any:
    """Reply as a Ray whose RAY_MAX_LIMIT_FROM_API_SERVER is `supported`."""
    if int(request.args["limit"]) > supported:
        words = f"Given limit {request.args['limit']} exceeds the supported limit {supported}. Use a lower limit, or …"
        return jsonify(result=False, msg=words, data={"result": None}), 400
    return jsonify(nodes)


def test_lower_limit_of_ray_is_kept_to_and_used_from_then_on(ray: ScriptedRay, url: str) -> None:
    ray.list_reply = lambda: limited(ray, 100, sample("ray_api_v0_nodes"))
    source = RaySource(url)
    assert len(source.fetch().nodes) == len(source.fetch().nodes) == 4
    assert ray.limits == ["10000", "100", "100"]


def test_list_cut_by_a_lower_limit_is_an_error_that_names_the_variable(ray: ScriptedRay, url: str) -> None:
    nodes = sample("ray_api_v0_nodes")
    nodes["data"]["result"]["total"] = 130
    ray.list_reply = lambda: limited(ray, 4, nodes)
    source = RaySource(url)
    with pytest.raises(SourceError, match=r"4 of 130 nodes: Ray's limit is 4, set RAY_MAX_LIMIT_FROM_API_SERVER"):
        source.fetch()
    ray.list_reply = None
    assert len(source.fetch().nodes) == 4
    assert ray.limits[-1] == "10000"  # the limit was raised


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ((jsonify, {"msg": "Given filter is wrong", "result": False}, 400), "Ray answers 400: Given filter is wrong"),
        ((str, "404: Not Found", 404), r'pip install "ray\[default\]"'),
        ((str, "Unauthorized: Missing authentication token", 401), "demands a token .*--ray-token-file"),
        ((str, "Forbidden: Invalid authentication token", 403), "rejects the token .*--ray-token-file"),
    ],
)
def test_error_of_ray_tells_what_to_do(ray: ScriptedRay, url: str, reply: Any, error: str) -> None:
    make, content, status = reply
    ray.list_reply = lambda: (make(content), status)
    with pytest.raises(SourceError, match=error):
        RaySource(url).fetch()


def test_token_is_read_for_every_request(ray: ScriptedRay, url: str) -> None:
    ray.token = "new"
    tokens = iter(["old", "new", "new"])
    source = RaySource(url, lambda: next(tokens))
    with pytest.raises(SourceError, match="401"):
        source.fetch()
    assert source.fetch().nodes


def test_password_of_the_url_is_used_and_never_shown(ray: ScriptedRay, url: str) -> None:
    seen: list[Any] = []
    ray.list_reply = lambda: (seen.append(request.authorization), jsonify(sample("ray_api_v0_nodes")))[1]
    source = RaySource(url.replace("http://", "http://user:secret@"))
    assert "secret" not in str(source.fetch())
    assert (seen[0].username, seen[0].password) == ("user", "secret")
    ray.list_reply = lambda: ("boom", 500)
    with pytest.raises(SourceError) as caught:
        source.fetch()
    assert "secret" not in str(caught.value)


def test_certificates_of_the_site_are_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TlsServer(says(body(sample("castray_ray_dashboard"))), tmp_path) as server:
        url, ca_file = f"https://{server.address}", str(server.certificate)
        with pytest.raises(SourceError, match="SSLError"):
            CastRaySource(url).fetch()
        assert CastRaySource(url, ca_file=ca_file).fetch().nodes
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", ca_file)
        assert CastRaySource(url).fetch().nodes


class Switchable:
    """A source that fails when told to."""

    budget = 1.0

    def __init__(self, name: str) -> None:
        self.cluster = Cluster((node(name, "10.0.0.1"),))
        self.failure: str | None = None
        self.fetched = 0

    def fetch(self) -> Cluster:
        self.fetched += 1
        if self.failure:
            raise SourceError(self.failure)
        return self.cluster

    def abort(self) -> None: ...


def test_ray_is_the_source_while_castray_fails(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    clock = ManualClock()
    castray, ray = Switchable("castray"), Switchable("ray")
    source = FallbackSource(castray, ray, clock.monotonic)  # type: ignore[arg-type] # stands in for both

    def shown() -> str:
        return source.fetch().nodes[0].name

    assert shown() == "castray"
    castray.failure = "CastRay answers 500"
    assert [shown(), shown(), shown()] == ["ray"] * 3
    assert castray.fetched == 2  # it is not asked again at once
    clock.pass_(16)
    assert shown() == "ray"
    ray.failure = "Ray answers 500"
    with pytest.raises(SourceError, match="CastRay answers 500; Ray answers 500"):
        source.fetch()
    castray.failure = None
    clock.pass_(16)
    assert shown() == "castray"
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ['castray_failed reason="CastRay answers 500" fallback=Ray', "castray_answers"]
