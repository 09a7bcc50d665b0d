"""The heartbeat of the threads that find out work statuses."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from castray_bridge.probes.pool import WorkerPool
from castray_bridge.probes.prometheus_status import PrometheusStatusProvider
from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.status import ProbeResult
from castray_bridge.refresher import StatusProvider
from servicekit.clock import Clock
from servicekit.heartbeat import STUCK_SECONDS
from testkit.clocks import ManualClock
from testkit.hostile import (
    GOOD,
    serving,
)
from testkit.net import wait_for


def worker_pool(publish: Callable[[ProbeResult], None], clock: Clock) -> StatusProvider:
    return WorkerPool(ProbeSettings(), publish, clock)


def prometheus_provider(publish: Callable[[ProbeResult], None], clock: Clock) -> StatusProvider:
    return PrometheusStatusProvider("http://127.0.0.1:1", 1.0, publish, clock)  # refuses the connection: a result, too


@pytest.mark.parametrize("make", [worker_pool, prometheus_provider])
def test_thread_that_is_stuck_is_not_alive(
    make: Callable[[Callable[[ProbeResult], None], Clock], StatusProvider],
) -> None:
    clock, entered, release = ManualClock(), threading.Event(), threading.Event()

    def publish(result: ProbeResult) -> None:
        entered.set()
        release.wait(10)

    status_provider = make(publish, clock)
    try:
        with serving(GOOD) as node:
            status_provider.set_targets({node.address: "M1"})
            assert entered.wait(5)
            assert status_provider.is_alive()
            clock.pass_(STUCK_SECONDS + 1)
            assert not status_provider.is_alive()
            release.set()
            wait_for(status_provider.is_alive, "the next beat", 5)
    finally:
        release.set()
        status_provider.close()
