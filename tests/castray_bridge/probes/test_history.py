"""The transitions of nodes, from monitors that reply and from others."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from castray_bridge.probes.history import History, latest, parse_transitions
from castray_bridge.probes.monitor_requests import MonitorRequests
from castray_bridge.sources.discovery import Target
from servicekit.address import Address
from servicekit.clock import rfc3339
from servicekit.http_reply import ProbeError
from testkit.clocks import ManualClock
from testkit.hostile import HostileServer, body, says, serving, silent

T = 1_800_000_000.0


def transition(at: float, seconds: float, status: str = "idle", **more: Any) -> dict[str, Any]:
    return {"timestamp": rfc3339(T + at), "status": status, "duration_seconds": seconds} | more


def test_transitions_before_the_requested_minutes_are_left_out_by_the_nodes_own_clock() -> None:
    transitions = [transition(0, 100), transition(100, 50, "detecting"), transition(150, 30, "sending")]
    assert latest(transitions, 1) == transitions[1:]
    assert latest(transitions, 60) == transitions
    assert latest([], 60) == []


@pytest.mark.parametrize(
    "entry",
    [
        7, None, [], {}, transition(0, -1), transition(0, 1, "boom"), transition(0, 1, status=7),
        transition(0, 1, duration_seconds="1"), transition(0, 1, timestamp="yesterday"),
        transition(0, 1, timestamp=None), transition(0, 1, timestamp="2026-01-01T00:00:00"),
        transition(0, 1e300), transition(0, 1, timestamp="9999-12-31T23:59:59+00:00", duration_seconds=9),
    ],
)  # fmt: skip
def test_malformed_entry_is_left_out(entry: Any) -> None:
    good = transition(0, 1)
    assert parse_transitions(json.dumps([good | {"more": 1}, entry]).encode()) == [good]


@pytest.mark.parametrize("reply", ["{}", "null", "7"])
def test_reply_that_is_no_list_is_empty(reply: str) -> None:
    assert parse_transitions(reply.encode()) == []


def test_reply_that_is_not_json_is_a_failure() -> None:
    with pytest.raises(ProbeError, match="not_json"):
        parse_transitions(b"<html>")


def test_one_request_serves_all_viewers_and_every_number_of_minutes_up_to_an_hour() -> None:
    clock = ManualClock()
    with serving(says(body([transition(0, 10)]))) as monitor:
        requests = MonitorRequests(clock, 1.0)
        history = History(clock, requests)
        nodes = [Target("M1", monitor.address, present=True)]
        with ThreadPoolExecutor(8) as viewers:
            found = list(viewers.map(lambda minutes: history.of(nodes, minutes), range(1, 61)))
        assert found == [{"M1": [transition(0, 10)]}] * 60
        assert len(monitor.requests) == 1
        clock.pass_(6)
        history.of(nodes, 1)
        history.of(nodes, 1440)
        assert len(monitor.requests) == 3
        requests.close()


def test_many_hanging_nodes_cost_a_viewer_one_budget_together() -> None:
    server = HostileServer(silent, "0.0.0.0")
    try:
        requests = MonitorRequests(ManualClock(), 0.4)
        history = History(ManualClock(), requests)
        nodes = [Target(f"M{n}", Address(f"127.0.0.{n}", server.address.port), present=True) for n in range(1, 129)]
        begun = time.monotonic()
        assert history.of(nodes, 60) == {node.name: [] for node in nodes}
        assert time.monotonic() - begun < 1.0  # one after the other they take four budgets
        requests.close()
    finally:
        server.close()
