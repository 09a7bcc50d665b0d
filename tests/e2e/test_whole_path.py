"""From an inference script to the operator's phone: real Ray, Prometheus and Alertmanager."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from demo.stack import Stack
from exporter.reporter import StatusReporter
from exporter.states import DETECTING, IDLE, SENDING, UNKNOWN
from grafana import node_queries
from testkit.binaries import require
from testkit.net import get_json, wait_for
from testkit.webhook import Webhook

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def webhook() -> Iterator[Webhook]:
    with Webhook() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def stack(webhook: Webhook) -> Iterator[Stack]:
    require("prometheus")
    require("alertmanager")
    with Stack(3, webhook=webhook.url) as running:
        running.start_script(running.specs[0], "chatty", seed=1)
        running.start_script(running.specs[1], "slow-server", seed=2)
        yield running


def node(stack: Stack, name: str) -> dict[str, Any]:
    nodes = get_json(f"{stack.bridge_url}/api/ray-dashboard")["data"]["nodes"]
    return next(node for node in nodes if node["name"] == name and node["state"] == "ALIVE")


def code(stack: Stack, name: str) -> int | None:
    rows = stack.query(f'node:cmzsb_work_state:code{{node="{name}"}}')
    return int(rows[0]["value"][1]) if rows else None


def test_bridge_knows_the_nodes_of_ray_by_their_names(stack: Stack) -> None:
    nodes = get_json(f"{stack.bridge_url}/api/ray-dashboard")["data"]["nodes"]
    assert {(one["name"], one["nodeIp"]) for one in nodes} == {(spec.name, spec.ip) for spec in stack.specs}
    assert [one["name"] for one in nodes if one["isHeadNode"]] == ["M1"]


@pytest.mark.parametrize(("name", "state"), [("M1", DETECTING.name), ("M2", SENDING.name)])
def test_state_of_a_script_reaches_castray_and_prometheus(stack: Stack, name: str, state: str) -> None:
    wait_for(lambda: node(stack, name)["workStatus"] == state, f"{name} {state} in CastRay's reply", 30)
    series = f'cmzsb_work_status{{node="{name}",state="{state}"}} == 1'
    wait_for(lambda: stack.query(series), "the same in Prometheus", 60)


@pytest.mark.parametrize("query", [node_queries.CPU, node_queries.MEMORY])
def test_load_of_a_board_is_in_rays_own_metrics(stack: Stack, query: str) -> None:
    rows = wait_for(lambda: stack.query(query.replace("$node_ip", stack.specs[1].ip)), query, 60)
    assert [0 < float(row["value"][1]) <= 100 for row in rows] == [True]


def test_one_report_of_sending_is_seen_at_every_station(stack: Stack) -> None:
    url = stack.monitor_url(stack.specs[2])
    with StatusReporter(url) as reporter, reporter.sending("frame 1"):
        wait_for(lambda: get_json(f"{url}/api/status")["status"] == SENDING.name, "the node's own status")
        scrape = requests.get(f"{url}/metrics", timeout=5).text
        assert 'cmzsb_work_status{node="M3",state="sending"} 1.0' in scrape
        wait_for(lambda: node(stack, "M3")["workStatus"] == SENDING.name, "CastRay's reply")
        assert node(stack, "M3")["currentTask"] == "frame 1"
        wait_for(lambda: code(stack, "M3") == SENDING.code, "the state code in Prometheus", 30)
    wait_for(lambda: node(stack, "M3")["workStatus"] == IDLE.name, "idle again")


def test_node_that_sends_too_often_is_told_to_the_operator(stack: Stack, webhook: Webhook) -> None:
    wait_for(lambda: ("CmzsbSendingTooOften", "M1") in webhook.told("firing"), "the message about M1", 90)
    assert ("CmzsbSendingTooOften", "M3") not in webhook.told("firing")
    alert = next(
        alert
        for message in webhook.messages
        for alert in message["alerts"]
        if alert["labels"]["alertname"] == "CmzsbSendingTooOften"
    )
    assert "the limit is 10" in alert["annotations"]["description"]
    assert "阈值为 10" in alert["annotations"]["description"]
    assert not {"grafana_url", "docs_url"} & alert["labels"].keys()


def test_script_that_dies_while_sending_leaves_no_red_light(stack: Stack) -> None:
    wait_for(lambda: node(stack, "M2")["workStatus"] == SENDING.name, "M2 sending", 30)
    stack.scripts["M2"].kill()
    wait_for(lambda: node(stack, "M2")["workStatusStale"], "M2 stale", 30)
    assert node(stack, "M2")["workStatus"] == IDLE.name


def test_monitor_that_stops_is_told_shown_grey_and_resolved_when_it_is_back(stack: Stack, webhook: Webhook) -> None:
    spec = stack.specs[2]
    wait_for(lambda: code(stack, "M3") == IDLE.code, "M3 in Prometheus", 30)
    stack.monitors["M3"].kill()
    wait_for(lambda: not node(stack, "M3")["workStatusReachable"], "M3 unreachable", 10)
    assert node(stack, "M3")["workStatus"] == IDLE.name
    assert node(stack, "M3")["workStatusError"] in {"refused", "bad_reply"}
    wait_for(lambda: code(stack, "M3") == UNKNOWN.code, "M3 grey in Prometheus", 30)
    wait_for(lambda: ("CmzsbMonitorDown", "M3") in webhook.told("firing"), "the message about M3", 60)
    stack.start_monitor(spec)
    wait_for(lambda: node(stack, "M3")["workStatusReachable"], "M3 back", 10)
    wait_for(lambda: ("CmzsbMonitorDown", "M3") in webhook.told("resolved"), "the all-clear about M3", 90)
