"""The thread pool against good, dead and hostile nodes."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from queue import Queue
from selectors import DefaultSelector

import pytest

from castray_bridge.probes.pool import NODES_PER_THREAD, WorkerPool
from castray_bridge.probes.prometheus_status import PrometheusStatusProvider
from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.shard import Shard
from castray_bridge.probes.status import NodeStatus, ProbeResult
from castray_bridge.refresher import StatusProvider
from servicekit.address import Address
from servicekit.clock import Clock, SystemClock
from servicekit.heartbeat import STUCK_SECONDS
from servicekit.http_reply import ProbeError
from servicekit.probe import ask, failure_reason
from testkit.clocks import ManualClock
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
"""Seconds by which every question has ended: the budget of 1 s and a busy machine."""


class Asked:
    """A pool and its answers in order."""

    def __init__(self, pace: ProbeSettings) -> None:
        self.answers: Queue[tuple[float, ProbeResult]] = Queue()
        self.begun = time.monotonic()
        self.pool = WorkerPool(pace, self._take, SystemClock())

    def ask(self, *addresses: Address) -> None:
        self.begun = time.monotonic()
        self.pool.set_targets({address: str(address) for address in addresses})

    def _take(self, answer: ProbeResult) -> None:
        self.answers.put((time.monotonic() - self.begun, answer))

    def next(self) -> tuple[float, ProbeResult]:
        return self.answers.get(timeout=5)

    def next_in(self, state: str) -> tuple[float, ProbeResult] | None:
        """Return the next answer if it tells that state."""
        after, answer = self.next()
        return (after, answer) if answer.status.state == state else None

    def first(self, count: int) -> dict[Address, tuple[float, NodeStatus]]:
        found: dict[Address, tuple[float, NodeStatus]] = {}
        while len(found) < count:
            after, answer = self.next()
            found.setdefault(answer.address, (after, answer.status))
        return found


@pytest.fixture
def asked() -> Iterator[Asked]:
    running = Asked(ProbeSettings())
    yield running
    running.pool.close()


def test_good_answer_is_read_whole(asked: Asked) -> None:
    with serving(GOOD) as node:
        asked.ask(node.address)
        _, answer = asked.next()
    status = answer.status
    assert (status.state, status.error, status.current_task) == ("detecting", None, "frame 7")
    assert (status.processed, status.low_confidence, status.sent_to_server) == (3, 2, 1)


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_hostile_node_is_a_value_in_time(asked: Asked, name: str) -> None:
    behaviour, reason = BEHAVIOURS[name]
    with serving(behaviour) as node:
        asked.ask(node.address)
        after, answer = asked.next()
    assert (answer.status.error, answer.status.state) == (reason, "unknown")
    assert after < LATEST


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_single_question_has_the_same_budget(name: str) -> None:
    behaviour, reason = BEHAVIOURS[name]
    begun = time.monotonic()
    with serving(behaviour) as node:
        if reason in {"not_json", "bad_status"}:  # whoever asked looks at the body
            ask(node.address, "/api/history", 1.0)
        else:
            with pytest.raises(ProbeError, match=reason):
                ask(node.address, "/api/history", 1.0)
    assert time.monotonic() - begun < LATEST


def test_closed_port_is_refused(asked: Asked) -> None:
    asked.ask(Address("127.0.0.1", free_port()))
    assert asked.next()[1].status.error == "refused"


def test_host_that_does_not_answer_is_a_timeout_after_a_second_and_knocked_at(asked: Asked) -> None:
    with unanswering() as address:
        asked.ask(address)
        found = [asked.next() for _ in range(3)]
    assert [answer.status.error for _, answer in found] == ["timeout"] * 3
    assert 0.95 < found[0][0] < LATEST
    # From question to question 1 s and then 1.9 s, not 2 s: the return of a host must show within two.
    assert 1.7 < found[2][0] - found[1][0] < 2.3


@pytest.mark.parametrize("ip", ["255.255.255.255", "fe80::1", "ff02::1"])
def test_address_that_no_way_leads_to_is_unreachable(asked: Asked, ip: str) -> None:
    asked.ask(Address(ip, 8000))
    after, answer = asked.next()
    assert answer.status.error == "unreachable"
    assert after < 0.5


@pytest.mark.parametrize(
    ("number", "connected", "reason"),
    [
        (errno.ECONNREFUSED, False, "refused"),
        (errno.ETIMEDOUT, False, "timeout"),
        (errno.EHOSTUNREACH, False, "unreachable"),
        (errno.ENETUNREACH, False, "unreachable"),
        (errno.EACCES, False, "unreachable"),
        (errno.ECONNRESET, True, "bad_reply"),
        (errno.EPIPE, True, "bad_reply"),
    ],
)
def test_error_of_the_system_has_a_reason(number: int, connected: bool, reason: str) -> None:
    assert failure_reason(OSError(number, ""), connected) == reason


def test_hanging_nodes_delay_nobody_and_take_no_threads(asked: Asked) -> None:
    with ExitStack() as stack:
        bad = [stack.enter_context(serving(silent)).address for _ in range(100)]
        good = [stack.enter_context(serving(GOOD)).address for _ in range(20)]
        asked.ask(*bad, *good)
        found = asked.first(120)
        pool_threads = [thread for thread in threading.enumerate() if thread.name.startswith("probe-")]
    assert all(found[address][1].reachable for address in good)
    assert max(found[address][0] for address in good) < 0.9  # all of them before the first timeout
    assert {found[address][1].error for address in bad} == {"timeout"}
    assert max(found[address][0] for address in bad) < 2.0
    assert len(pool_threads) == 120 / NODES_PER_THREAD


def test_change_is_seen_at_once_through_the_long_poll(tmp_path: Path) -> None:
    running = Asked(ProbeSettings(refresh=60.0))  # polling would show nothing for a minute
    try:
        with RunningMonitor(tmp_path) as monitor:
            running.ask(Address("127.0.0.1", int(monitor.address.partition(":")[2])))
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
    running = Asked(ProbeSettings(refresh=0.2, workers=1))
    try:
        with serving(status) as one, serving(status, "127.0.0.2") as other:
            running.ask(one.address)
            wait_for(lambda: any(b"wait=0.5&since=3" in question for question in one.questions), "a long poll", 5)
            running.ask(one.address, other.address)
            running.first(2)
            one.questions.clear()
            seen = [after for after, answer in (running.next() for _ in range(12)) if answer.address == other.address]
            assert not any(b"wait=" in question for question in [*one.questions[1:], *other.questions])
        gaps = [after - before for before, after in pairwise(seen)]
        assert 0.15 < sorted(gaps)[len(gaps) // 2] < 0.3
    finally:
        running.pool.close()


def test_node_that_comes_back_is_seen_soon(asked: Asked) -> None:
    port = free_port()
    asked.ask(Address("127.0.0.1", port))
    assert asked.next()[1].status.error == "refused"
    node = HostileServer(GOOD, port=port)
    try:
        wait_for(lambda: asked.next()[1].status.reachable, "the node's return", 4)
    finally:
        node.close()


def test_failing_node_is_asked_less_and_less_often(asked: Asked) -> None:
    with serving(BEHAVIOURS["503"][0]) as node:
        asked.ask(node.address)
        gaps = [asked.next()[0] for _ in range(3)]
    assert gaps[1] - gaps[0] < gaps[2] - gaps[1]


def test_replaced_node_is_asked_at_once_and_a_gone_one_no_more(asked: Asked) -> None:
    with serving(BEHAVIOURS["503"][0]) as one, serving(GOOD) as other:
        asked.ask(one.address)
        for _ in range(3):
            asked.next()
        asked.pool.set_targets({one.address: "another node"})
        begun = time.monotonic()
        asked.next()
        assert time.monotonic() - begun < 0.9
        asked.pool.set_targets({other.address: "x"})
        wait_for(lambda: asked.next()[1].address == other.address, "the other node", 5)
        count = len(one.questions)
        for _ in range(2):
            assert asked.next()[1].address == other.address
        assert len(one.questions) == count


def test_thread_with_its_hands_full_waits_instead_of_spinning() -> None:
    with serving(silent, "0.0.0.0") as nodes, DefaultSelector() as selector:
        share = Shard(ProbeSettings(), lambda answer: None, ManualClock(), selector)
        share.assign({Address(f"127.0.6.{number}", nodes.address.port): "" for number in range(1, 101)}, 0.0)
        assert share.poll_timeout() == 0.0
        share.ask_due()
        try:
            assert len(selector.get_map()) == 64  # the descriptors that hanging nodes may take
            assert share.poll_timeout() == ProbeSettings().timeout
        finally:
            share.close()
        assert len(selector.get_map()) == 0


def pool_of_threads(publish: Callable[[ProbeResult], None], clock: Clock) -> StatusProvider:
    return WorkerPool(ProbeSettings(), publish, clock)


def prometheus_asker(publish: Callable[[ProbeResult], None], clock: Clock) -> StatusProvider:
    return PrometheusStatusProvider("http://127.0.0.1:1", 1.0, publish, clock)  # which refuses: an answer, too


@pytest.mark.parametrize("make", [pool_of_threads, prometheus_asker])
def test_thread_that_is_stuck_is_told(make: Callable[[Callable[[ProbeResult], None], Clock], StatusProvider]) -> None:
    clock, entered, release = ManualClock(), threading.Event(), threading.Event()

    def publish(answer: ProbeResult) -> None:
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
            wait_for(status_provider.is_alive, "the next turn", 5)
    finally:
        release.set()
        status_provider.close()


def test_close_joins_every_thread() -> None:
    running = Asked(ProbeSettings())
    with serving(silent) as node:
        running.ask(node.address)
        wait_for(lambda: node.questions, "the question")
        running.pool.close()
        running.pool.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("probe-")]


def test_totals_of_a_node_are_not_those_of_who_was_at_its_address_before(asked: Asked) -> None:
    with serving(GOOD) as server:
        asked.pool.set_targets({server.address: "M1 a"})
        assert asked.next()[1].status.processed == 3
        server.behaviour = says(b"")
        while asked.next()[1].status.error != "bad_reply":
            pass
        asked.pool.set_targets({server.address: "M2 b"})
        wait_for(lambda: asked.next()[1].status.processed == 0, "an answer without M1's totals")
