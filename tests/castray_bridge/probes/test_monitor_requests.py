"""Requests to monitors for viewers: parallel, within a budget, shared."""

from __future__ import annotations

import time
from concurrent.futures import wait

import pytest

from castray_bridge.probes.monitor_requests import MonitorRequests
from servicekit.address import Address
from servicekit.http_reply import ProbeError
from testkit.clocks import ManualClock
from testkit.hostile import HostileServer, body, says, serving, silent


def test_equal_keys_share_one_request_for_a_while() -> None:
    clock = ManualClock()
    with serving(says(body([1]))) as monitor:
        requests = MonitorRequests(clock, 1.0)
        first = requests.submit(monitor.address, "a", lambda: "/x", len)
        assert requests.submit(monitor.address, "a", lambda: "/y", len) is first
        assert requests.submit(monitor.address, "b", lambda: "/y", len) is not first
        assert first.result(2) > 0
        clock.pass_(6)
        assert requests.submit(monitor.address, "a", lambda: "/x", len).result(2) == first.result()
        assert len(monitor.requests) == 3
        requests.close()


def test_failure_is_in_the_future() -> None:
    requests = MonitorRequests(ManualClock(), 0.2)
    try:
        with pytest.raises(ProbeError, match="refused"):
            requests.submit(Address("127.0.0.1", 1), "a", lambda: "/x", len).result(2)
    finally:
        requests.close()


def test_hanging_monitors_take_one_budget_together() -> None:
    server = HostileServer(silent, "0.0.0.0")
    requests = MonitorRequests(ManualClock(), 0.4)
    try:
        begun = time.monotonic()
        wait(
            [
                requests.submit(Address(f"127.0.0.{n}", server.address.port), "a", lambda: "/x", len)
                for n in range(1, 33)
            ]
        )
        assert time.monotonic() - begun < 5  # one after the other they take 13 s
    finally:
        requests.close()
        server.close()
