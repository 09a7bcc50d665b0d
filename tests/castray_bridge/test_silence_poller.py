"""The poller of Alertmanager's silences: what nodes and metrics show of it, and what a bad Alertmanager does to it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from flask import Flask, Response, abort, jsonify, request

from castray_bridge.bridge import Bridge
from castray_bridge.silence_poller import MAX_AGE, SilencePoller
from castray_bridge.sources.cluster import Cluster
from servicekit.clock import SystemClock, rfc3339
from testkit.bridge_world import World
from testkit.clocks import ManualClock
from testkit.hostile import DRIPS, serving
from testkit.net import wait_for
from testkit.silences import matcher, silence
from testkit.sources import StillSource, node
from testkit.web import WebServer

CLUSTER = Cluster((node("M1", "10.0.0.1"), node("M2", "10.0.0.2")))


class Alertmanager(WebServer):
    """Lists `silences`, or does what `reply` says."""

    def __init__(self) -> None:
        self.silences: Any = []
        self.status = 200
        self.authorization: str | None = None
        app = Flask("alertmanager")

        @app.get("/am/api/v2/silences")
        def listed() -> Response:
            self.authorization = request.headers.get("Authorization")
            return jsonify(self.silences) if self.status == 200 else abort(self.status)

        super().__init__(app)


def until(poller: SilencePoller) -> dict[str, str | None]:
    return {each.name: each.fields.get("silencedUntil") for each in poller.marked(CLUSTER).nodes}


def of_m1(clock: ManualClock | SystemClock, seconds: float = 3600) -> dict[str, Any]:
    return silence(matcher("node", "M1"), ends=clock.time() + seconds)


def test_silenced_node_says_until_when() -> None:
    clock = ManualClock()
    with Alertmanager() as alertmanager:
        poller = SilencePoller(f"{alertmanager.url}am/", clock)
        alertmanager.silences = [of_m1(clock)]
        poller.refresh()
        assert until(poller) == {"M1": rfc3339(clock.time() + 3600), "M2": None}
        clock.pass_(MAX_AGE)
        poller.refresh()
        alertmanager.silences = []
        poller.refresh()
        assert until(poller) == {"M1": None, "M2": None}


@pytest.mark.parametrize("fault", [500, 401, "not a list", {"silences": []}])
def test_silences_of_a_failing_alertmanager_count_for_a_few_minutes(fault: Any) -> None:
    clock = ManualClock()
    with Alertmanager() as alertmanager:
        poller = SilencePoller(f"{alertmanager.url}am", clock)
        alertmanager.silences = [of_m1(clock)]
        poller.refresh()
        alertmanager.status, alertmanager.silences = (fault, []) if isinstance(fault, int) else (200, fault)
        clock.pass_(MAX_AGE)
        poller.refresh()
        assert (until(poller)["M1"] is not None, poller.is_up) == (True, False)
        clock.pass_(1)
        poller.refresh()
        assert until(poller)["M1"] is None
        alertmanager.status, alertmanager.silences = 200, [of_m1(clock)]
        poller.refresh()
        assert (until(poller)["M1"] is not None, poller.is_up) == (True, True)


def test_silence_ends_at_its_end_though_alertmanager_is_gone() -> None:
    clock = ManualClock()
    with Alertmanager() as alertmanager:
        poller = SilencePoller(f"{alertmanager.url}am", clock)
        alertmanager.silences = [of_m1(clock, 30)]
        poller.refresh()
    clock.pass_(31)
    poller.refresh()
    assert until(poller)["M1"] is None


def test_alertmanager_that_is_gone_is_logged_once_and_without_its_password(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    clock = ManualClock()
    with Alertmanager() as alertmanager:
        poller = SilencePoller(alertmanager.url.replace("//", "//reader:secret@") + "am", clock)
        poller.refresh()
        assert alertmanager.authorization is not None
        for status in (500, 403, 500, 200):
            alertmanager.status = status
            poller.refresh()
    poller.refresh()
    lines = [record.getMessage() for record in caplog.records if record.name.startswith("castray_bridge")]
    assert [line.split()[0] for line in lines] == ["alertmanager_failed", "alertmanager_answers", "alertmanager_failed"]
    assert "secret" not in caplog.text


def test_without_an_alertmanager_there_is_no_thread_and_no_metric() -> None:
    with Bridge(StillSource(CLUSTER)) as bridge:
        assert "silences" not in {thread.name for thread in threading.enumerate()}
        assert bridge.registry.get_sample_value("castray_bridge_alertmanager_up") is None


def test_the_nodes_of_a_bridge_show_the_silences_and_the_metric_says_that_alertmanager_replies() -> None:
    with Alertmanager() as alertmanager:
        alertmanager.silences = [of_m1(SystemClock())]
        with Bridge(StillSource(CLUSTER), alertmanager_url=f"{alertmanager.url}am") as bridge:

            def shown() -> dict[str, Any]:
                return {each["name"]: each["silencedUntil"] for each in bridge.nodes()}

            wait_for(lambda: shown().get("M1"), "the mark")
            assert bridge.registry.get_sample_value("castray_bridge_alertmanager_up") == 1
            assert shown()["M2"] is None


def test_alertmanager_that_hangs_holds_up_neither_the_nodes_nor_the_end_of_the_bridge() -> None:
    with serving(DRIPS["header lines"]) as server:
        bridge = Bridge(StillSource(CLUSTER), alertmanager_url=f"http://{server.address}")
        bridge.start()
        wait_for(lambda: server.requests, "a request")
        wait_for(bridge.nodes, "the nodes", 1)
        assert bridge.registry.get_sample_value("castray_bridge_alertmanager_up") == 0
        begun = time.monotonic()
        bridge.close()
        assert time.monotonic() - begun < 1.5
    assert "silences" not in {thread.name for thread in threading.enumerate()}


def test_every_node_object_has_the_field(world: World) -> None:
    assert {each["silencedUntil"] for each in world.get("/api/ray-dashboard")["data"]["nodes"]} == {None}
