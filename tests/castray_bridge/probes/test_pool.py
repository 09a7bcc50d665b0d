"""The thread pool against good, dead and hostile nodes."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from queue import Queue

import pytest

from castray_bridge.probes.pool import NODES_PER_THREAD, WorkerPool
from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.status import NodeStatus, ProbeResult
from servicekit.address import Address
from servicekit.clock import SystemClock
from testkit.hostile import (
    BEHAVIOURS,
    GOOD,
    STATUS,
    HostileServer,
    body,
    says,
    serving,
    silent,
    unanswering,
)
from testkit.net import free_port, wait_for
from testkit.running import RunningMonitor

LATEST = 1.5
"""Seconds by which every probe has ended: the budget of 1 s and a busy machine."""


class RunningPool:
    """A pool and its results in order."""

    def __init__(self, pace: ProbeSettings) -> None:
        self.answers: Queue[tuple[float, ProbeResult]] = Queue()
        self.begun = time.monotonic()
        self.pool = WorkerPool(pace, self._take, SystemClock())

    def probe(self, *addresses: Address) -> None:
        self.begun = time.monotonic()
        self.pool.set_targets({address: str(address) for address in addresses})

    def _take(self, answer: ProbeResult) -> None:
        self.answers.put((time.monotonic() - self.begun, answer))

    def next(self) -> tuple[float, ProbeResult]:
        return self.answers.get(timeout=5)

    def next_in(self, state: str) -> tuple[float, ProbeResult] | None:
        """Return the next result if it has that state."""
        after, answer = self.next()
        return (after, answer) if answer.status.state == state else None

    def first(self, count: int) -> dict[Address, tuple[float, NodeStatus]]:
        found: dict[Address, tuple[float, NodeStatus]] = {}
        while len(found) < count:
            after, answer = self.next()
            found.setdefault(answer.address, (after, answer.status))
        return found


@pytest.fixture
def pool() -> Iterator[RunningPool]:
    running = RunningPool(ProbeSettings())
    yield running
    running.pool.close()


def test_good_answer_is_read_whole(pool: RunningPool) -> None:
    with serving(GOOD) as node:
        pool.probe(node.address)
        _, answer = pool.next()
    status = answer.status
    assert (status.state, status.error, status.current_task) == ("detecting", None, "frame 7")
    assert (status.processed, status.low_confidence, status.sent_to_server) == (3, 2, 1)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_hostile_node_is_a_value_in_time(pool: RunningPool, name: str) -> None:
    behaviour, reason = BEHAVIOURS[name]
    with serving(behaviour) as node:
        pool.probe(node.address)
        after, answer = pool.next()
    assert (answer.status.error, answer.status.state) == (reason, "unknown")
    assert after < LATEST


def test_closed_port_is_refused(pool: RunningPool) -> None:
    pool.probe(Address("127.0.0.1", free_port()))
    assert pool.next()[1].status.error == "refused"


def test_host_that_does_not_answer_is_a_timeout_after_a_second_and_tried_again_soon(pool: RunningPool) -> None:
    with unanswering() as address:
        pool.probe(address)
        found = [pool.next() for _ in range(3)]
    assert [answer.status.error for _, answer in found] == ["timeout"] * 3
    assert 0.95 < found[0][0] < LATEST
    # From probe to probe 1 s and then 1.9 s, not 2 s: the return of a host must show within two.
    assert 1.7 < found[2][0] - found[1][0] < 2.3


@pytest.mark.parametrize("ip", ["255.255.255.255", "fe80::1", "ff02::1"])
def test_address_that_no_way_leads_to_is_unreachable(pool: RunningPool, ip: str) -> None:
    pool.probe(Address(ip, 8000))
    after, answer = pool.next()
    assert answer.status.error == "unreachable"
    assert after < 0.5


def test_hanging_nodes_delay_no_other_and_hold_no_threads(pool: RunningPool) -> None:
    with ExitStack() as stack:
        bad = [stack.enter_context(serving(silent)).address for _ in range(100)]
        good = [stack.enter_context(serving(GOOD)).address for _ in range(20)]
        pool.probe(*bad, *good)
        found = pool.first(120)
        pool_threads = [thread for thread in threading.enumerate() if thread.name.startswith("probe-")]
    assert all(found[address][1].reachable for address in good)
    assert max(found[address][0] for address in good) < 0.9  # all of them before the first timeout
    assert {found[address][1].error for address in bad} == {"timeout"}
    assert max(found[address][0] for address in bad) < 2.0
    assert len(pool_threads) == 120 / NODES_PER_THREAD


def test_change_is_seen_at_once_through_the_long_poll(tmp_path: Path) -> None:
    running = RunningPool(ProbeSettings(refresh=60.0))  # polling would show nothing for a minute
    try:
        with RunningMonitor(tmp_path) as monitor:
            running.probe(Address("127.0.0.1", int(monitor.address.partition(":")[2])))
            assert running.next()[1].status.state == "idle"
            for state in ("detecting", "sending", "idle") * 2:
                assert monitor.report(status=state).ok
                reported = time.monotonic() - running.begun
                after, _ = wait_for(lambda state=state: running.next_in(state), state, 3)
                assert after - reported < 0.2
    finally:
        running.pool.close()


def test_nodes_beyond_the_threads_are_polled_at_every_refresh() -> None:
    status = says(body(STATUS | {"version": 3}))
    running = RunningPool(ProbeSettings(refresh=0.2, workers=1))
    try:
        with serving(status) as one, serving(status, "127.0.0.2") as other:
            running.probe(one.address)
            wait_for(lambda: any(b"wait=0.5&since=3" in request for request in one.requests), "a long poll", 5)
            running.probe(one.address, other.address)
            running.first(2)
            one.requests.clear()
            seen = [after for after, answer in (running.next() for _ in range(12)) if answer.address == other.address]
            assert not any(b"wait=" in request for request in [*one.requests[1:], *other.requests])
        gaps = [after - before for before, after in pairwise(seen)]
        assert 0.15 < sorted(gaps)[len(gaps) // 2] < 0.3
    finally:
        running.pool.close()


def test_node_that_comes_back_is_seen_soon(pool: RunningPool) -> None:
    port = free_port()
    pool.probe(Address("127.0.0.1", port))
    assert pool.next()[1].status.error == "refused"
    node = HostileServer(GOOD, port=port)
    try:
        wait_for(lambda: pool.next()[1].status.reachable, "the node's return", 4)
    finally:
        node.close()


def test_failing_node_is_probed_less_and_less_often(pool: RunningPool) -> None:
    with serving(BEHAVIOURS["503"][0]) as node:
        pool.probe(node.address)
        gaps = [pool.next()[0] for _ in range(3)]
    assert gaps[1] - gaps[0] < gaps[2] - gaps[1]


def test_replaced_node_is_probed_at_once_and_a_removed_one_no_more(pool: RunningPool) -> None:
    with serving(BEHAVIOURS["503"][0]) as one, serving(GOOD) as other:
        pool.probe(one.address)
        for _ in range(3):
            pool.next()
        pool.pool.set_targets({one.address: "another node"})
        begun = time.monotonic()
        pool.next()
        assert time.monotonic() - begun < 0.9
        pool.pool.set_targets({other.address: "x"})
        wait_for(lambda: pool.next()[1].address == other.address, "the other node", 5)
        count = len(one.requests)
        for _ in range(2):
            assert pool.next()[1].address == other.address
        assert len(one.requests) == count


def test_close_joins_every_thread() -> None:
    running = RunningPool(ProbeSettings())
    with serving(silent) as node:
        running.probe(node.address)
        wait_for(lambda: node.requests, "the question")
        running.pool.close()
        running.pool.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("probe-")]


def test_totals_of_a_node_are_not_those_of_the_node_before_it_at_its_address(pool: RunningPool) -> None:
    with serving(GOOD) as server:
        pool.pool.set_targets({server.address: "M1 a"})
        assert pool.next()[1].status.processed == 3
        server.behaviour = says(b"")
        while pool.next()[1].status.error != "bad_reply":
            pass
        pool.pool.set_targets({server.address: "M2 b"})
        wait_for(lambda: pool.next()[1].status.processed == 0, "an answer without M1's totals")
