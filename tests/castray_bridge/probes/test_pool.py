"""The thread pool against good, dead and hostile nodes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from queue import Queue

import psutil
import pytest

from castray_bridge.probes import pool as pool_module
from castray_bridge.probes.pool import NODES_PER_THREAD, WorkerPool
from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.shard import Assignment
from castray_bridge.probes.status import NodeStatus, ProbeResult
from castray_bridge.probes.worker import Worker
from servicekit.address import Address
from servicekit.clock import SystemClock
from testkit.hostile import (
    BEHAVIOURS,
    GOOD,
    KEPT,
    STATUS,
    HostileServer,
    conversation,
    kept,
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
    assert len(pool_threads) == 1


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


def test_changes_of_more_nodes_than_threads_are_seen_at_once(tmp_path: Path) -> None:
    """Real monitors, each asked over one connection."""
    running = RunningPool(ProbeSettings(refresh=60.0, workers=1))
    ips = [f"127.0.0.{number}" for number in range(31, 36)]
    port = free_port(ips)
    try:
        with ExitStack() as stack:
            monitors = []
            for ip in ips:
                (directory := tmp_path / ip).mkdir()
                monitors.append(stack.enter_context(RunningMonitor(directory, address=f"{ip}:{port}")))
            running.probe(*(Address(ip, port) for ip in ips))
            running.first(len(ips))
            for state in ("detecting", "sending"):
                for monitor in monitors:
                    assert monitor.report(status=state).ok
                    reported = time.monotonic() - running.begun
                    after, _ = wait_for(lambda state=state: running.next_in(state), state, 3)
                    assert after - reported < 0.2
            open_before = sum(established(port).values())
            wait_for(lambda: running.answers.qsize() > 20, "renewed long polls")
            assert established(port) == dict.fromkeys(ips, 1)
            assert open_before == len(ips)
            assert all(answer.status.reachable for _, answer in running.answers.queue)
    finally:
        running.pool.close()
    assert established(port) == {}


def established(port: int) -> dict[str, int]:
    """Return the number of this process's connections to `port` by address."""
    connections = psutil.Process().net_connections("tcp")
    return dict(Counter(each.raddr.ip for each in connections if each.raddr and each.raddr.port == port))


def test_nodes_beyond_the_descriptors_are_polled_at_every_refresh_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pool_module, "allow_descriptors", lambda wanted: 8)
    status = conversation(*[kept(STATUS | {"version": 3})] * 100)
    running = RunningPool(ProbeSettings(refresh=0.2))
    try:
        with ExitStack() as stack:
            nodes = [stack.enter_context(serving(status, f"127.0.0.{number}")) for number in range(1, 7)]
            running.probe(*(node.address for node in nodes))
            running.first(6)
            wait_for(lambda: sum(len(node.requests) >= 8 for node in nodes) == 3, "three that are polled")
            assert sum(len(node.requests) == 1 for node in nodes) == 3  # the others have one connection
            assert all(b"wait=" not in request for node in nodes for request in node.requests)
            running.pool.set_targets({node.address: "again" for node in nodes})
    finally:
        running.pool.close()
    lines = [record.getMessage() for record in caplog.records]
    assert lines == ['few_descriptors nodes=6 connections=4 advice="raise LimitNOFILE"']


@pytest.mark.parametrize(
    ("nodes", "descriptors", "places", "plain"),
    [(23, 23, 23, 23), (3000, 3000, 3000, 1024), (1000, 512, 384, 128), (10_000, 8192, 7168, 1024), (3, 1, 0, 1)],
)
def test_connections_of_all_threads_together_are_within_the_descriptors(
    monkeypatch: pytest.MonkeyPatch, nodes: int, descriptors: int, places: int, plain: int
) -> None:
    monkeypatch.setattr(pool_module, "allow_descriptors", lambda wanted: min(wanted, 2 * descriptors))
    assigned: list[Assignment] = []
    monkeypatch.setattr(Worker, "assign", lambda self, assignment: assigned.append(assignment))
    pool = WorkerPool(ProbeSettings(), lambda result: None, SystemClock())
    try:
        pool.set_targets({Address(f"10.{n // 65536}.{n // 256 % 256}.{n % 256}", 8000): "" for n in range(nodes)})
    finally:
        pool.close()
    assert len(assigned) == -(-nodes // NODES_PER_THREAD)
    threads = len(assigned)
    assert places - threads < sum(each.places for each in assigned) <= places
    assert plain - threads < sum(each.plain for each in assigned) <= plain
    assert sum(len(each.targets) for each in assigned) == nodes


def test_targets_that_have_not_changed_wake_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    assigned: list[Assignment] = []
    monkeypatch.setattr(Worker, "assign", lambda self, assignment: assigned.append(assignment))
    pool = WorkerPool(ProbeSettings(), lambda result: None, SystemClock())
    try:
        for node_id in ("a", "a", "b", "b"):
            pool.set_targets({Address("127.0.0.1", 1): node_id})
    finally:
        pool.close()
    assert [list(each.targets.values()) for each in assigned] == [["a"], ["b"]]


@pytest.mark.parametrize("name", KEPT)
def test_node_that_fails_on_a_kept_connection_is_a_value_in_time(name: str) -> None:
    behaviour, reason = KEPT[name]
    running = RunningPool(ProbeSettings(refresh=0.2))
    try:
        with serving(behaviour) as node:
            running.probe(node.address)
            assert running.next()[1].status.reachable
            answered = time.monotonic()
            assert running.next()[1].status.error == reason
            assert time.monotonic() - answered < 0.2 + LATEST
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
