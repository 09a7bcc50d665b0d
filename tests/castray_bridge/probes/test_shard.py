"""The requests in flight of one thread, without the thread."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from selectors import DefaultSelector
from typing import Any

import pytest

from castray_bridge.probes import shard as shard_module
from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.shard import Assignment, Shard
from castray_bridge.probes.status import ProbeResult
from servicekit.address import Address
from testkit.clocks import ManualClock
from testkit.hostile import (
    GOOD,
    KEPT,
    STATUS,
    HostileServer,
    body,
    conversation,
    kept,
    says,
    serving,
    silent,
    unanswering,
)
from testkit.net import wait_for

WAIT = 0.5
VERSIONED = STATUS | {"version": 3}


class RunningShard:
    """A shard whose time stands still unless a test lets it pass; `turn` does what its thread would do once."""

    def __init__(self, **settings: Any) -> None:
        self.clock = ManualClock()
        self.results: list[ProbeResult] = []
        self.selector = DefaultSelector()
        self.shard = Shard(ProbeSettings(**settings), self.results.append, self.clock, self.selector)

    def close(self) -> None:
        self.shard.close()
        assert len(self.selector.get_map()) == 0
        self.selector.close()

    def assign(
        self, *addresses: Address, wait: float = WAIT, places: int = 1000, plain: int = 1000, node_id: str = ""
    ) -> None:
        self.shard.assign(Assignment(dict.fromkeys(addresses, node_id), wait, places, plain))

    def turn(self) -> None:
        self.shard.start_due()
        for key, _ in self.selector.select(0.01):
            self.shard.advance(key.data)

    def until(self, results: int) -> list[str | None]:
        """Return the errors of the results, once there are so many."""
        wait_for(lambda: (self.turn(), len(self.results) >= results)[1], f"{results} results")
        return [result.status.error for result in self.results]

    @property
    def connections(self) -> int:
        return len(self.selector.get_map())


@pytest.fixture
def shard() -> Iterator[RunningShard]:
    with closing(RunningShard()) as running:
        yield running


def many(count: int, port: int) -> list[Address]:
    return [Address(f"127.0.6.{number}", port) for number in range(1, count + 1)]


def test_shard_with_too_many_hanging_nodes_waits_instead_of_spinning(shard: RunningShard) -> None:
    with serving(silent, "0.0.0.0") as nodes:
        addresses = many(100, nodes.address.port)
        shard.assign(*addresses, plain=10)
        assert shard.shard.poll_timeout() == 0.0
        for _ in range(5):
            shard.turn()
        assert shard.connections == 10
        assert shard.shard.poll_timeout() == ProbeSettings().timeout
        for round_ in range(1, 4):
            shard.clock.pass_(1.0)
            shard.turn()
            shard.turn()
            assert {result.status.error for result in shard.results} == {"timeout"}
            # The nodes that have not been asked yet come first, and no node is forgotten.
            assert len({result.address for result in shard.results}) == 10 * round_
            assert shard.connections == 10


def test_all_nodes_are_asked_at_once_where_they_may_be(shard: RunningShard) -> None:
    with serving(silent, "0.0.0.0") as nodes:
        shard.assign(*many(100, nodes.address.port), plain=100)
        for _ in range(3):
            shard.turn()
        assert shard.connections == 100
        shard.clock.pass_(1.0)
        assert shard.until(100)[:100] == ["timeout"] * 100


def test_nodes_beyond_the_descriptors_are_polled(shard: RunningShard) -> None:
    def behave(peer: socket.socket, ended: threading.Event) -> None:
        peer.sendall(kept(VERSIONED))
        while request := peer.recv(4096):
            nodes.requests.append(request)
            if b"wait=" in request:
                ended.wait()
            peer.sendall(kept(VERSIONED))

    with serving(behave, "0.0.0.0") as nodes:
        shard.assign(*many(6, nodes.address.port), places=3, plain=1)
        assert shard.until(6) == [None] * 6
        wait_for(lambda: (shard.turn(), sum(b"wait=" in request for request in nodes.requests) == 3)[1], "long polls")
        assert shard.connections == 3  # the other three have theirs closed
        shard.clock.pass_(0.5)
        shard.turn()
        assert len(shard.results) == 6  # they are due at the next refresh
        shard.clock.pass_(0.5)
        assert shard.until(9)[6:9] == ["timeout"] * 3
        shard.assign(*many(6, nodes.address.port))  # the limit was raised
        wait_for(lambda: (shard.turn(), sum(b"wait=" in request for request in nodes.requests) >= 6)[1], "the others")


def test_place_of_a_node_that_fails_goes_to_another(shard: RunningShard) -> None:
    with serving(conversation(kept(STATUS), silent), "127.0.0.1") as one, serving(GOOD, "127.0.0.2") as other:
        shard.assign(one.address, other.address, wait=0.0)
        shard.until(2)
        assert shard.shard._connections.places == 2
        shard.clock.pass_(1.0)
        shard.until(3)
        shard.clock.pass_(1.0)
        errors = {result.address: result.status.error for result in shard.results}
        wait_for(lambda: (shard.turn(), shard.results[-1].status.error == "timeout")[1], "the failure")
        assert errors[other.address] is None
        assert shard.shard._connections.places == 1


def test_connection_is_kept_between_questions_and_one_node_has_one(shard: RunningShard) -> None:
    replies = [kept(STATUS | {"stats": {"total_processed": number}}) for number in range(5)]
    with serving(conversation(*replies)) as node:
        shard.assign(node.address)
        for number in range(5):
            shard.until(number + 1)
            assert shard.results[-1].status.processed == number
            shard.clock.pass_(1.0)
        assert len(node.requests) == 1


@pytest.mark.parametrize("behaviour", [GOOD, says(kept(STATUS).replace(b"\r\n", b"\r\nConnection: close\r\n", 1))])
def test_peer_that_keeps_no_connection_gets_one_for_each_question(shard: RunningShard, behaviour: Any) -> None:
    with serving(behaviour) as node:
        shard.assign(node.address)
        for number in range(3):
            assert shard.until(number + 1)[-1] is None
            assert shard.connections == 0
            shard.clock.pass_(1.0)
        assert len(node.requests) == 3


def test_kept_connection_that_was_closed_between_questions_is_no_failure(shard: RunningShard) -> None:
    with serving(conversation(kept(STATUS))) as node:
        shard.assign(node.address)
        for number in range(3):
            assert shard.until(number + 1)[-1] is None
            wait_for(lambda: (shard.turn(), not shard.connections)[1], "the end of the connection")
            shard.clock.pass_(1.0)
        assert len(node.requests) == 3


def closes_at_the_second_request(peer: socket.socket, ended: threading.Event) -> None:
    peer.sendall(kept(VERSIONED))
    peer.recv(4096)


def test_kept_connection_that_is_closed_at_the_question_is_replaced_once_without_a_failure(
    shard: RunningShard,
) -> None:
    """As by a monitor that was restarted: the question is repeated, and not as a long poll."""
    with serving(closes_at_the_second_request) as node:
        shard.assign(node.address)
        for results in (2, 3, 4):
            assert shard.until(results) == [None] * results
            shard.clock.pass_(1.0)
        assert {request.partition(b" HTTP")[0] for request in node.requests} == {b"GET /api/status"}
        assert len(node.requests) >= 4


def test_repeated_question_has_the_budget_of_the_first(shard: RunningShard) -> None:
    def behave(peer: socket.socket, ended: threading.Event) -> None:
        if len(node.requests) > 1:
            ended.wait()
            return
        peer.sendall(kept(STATUS))
        peer.recv(4096)
        assert goes_on.wait(5)

    goes_on = threading.Event()
    with serving(behave) as node:
        shard.assign(node.address)
        shard.until(1)
        shard.clock.pass_(1.0)
        shard.turn()
        shard.clock.pass_(0.7)
        goes_on.set()
        wait_for(lambda: (shard.turn(), len(node.requests) == 2)[1], "the repeated question")
        assert shard.shard.poll_timeout() == pytest.approx(0.3)
        shard.clock.pass_(0.3)
        assert shard.until(2)[-1] == "timeout"


def test_node_that_is_gone_at_the_repeated_question_is_refused(shard: RunningShard) -> None:
    node = HostileServer(closes_at_the_second_request)
    shard.assign(node.address, wait=0.0)
    shard.until(1)
    node.close()
    shard.clock.pass_(1.0)
    assert shard.until(2) == [None, "refused"]


@pytest.mark.parametrize("name", KEPT)
def test_failure_on_a_kept_connection_is_a_value_in_time_and_closes_it(shard: RunningShard, name: str) -> None:
    behaviour, reason = KEPT[name]
    with serving(behaviour) as node:
        shard.assign(node.address)
        assert shard.until(1) == [None]
        shard.clock.pass_(1.0)
        for _ in range(20):
            shard.turn()
        if reason == "timeout":
            assert len(shard.results) == 1
            shard.clock.pass_(1.0)
        assert shard.until(2)[:2] == [None, reason]
        assert not shard.shard._connections.places
        shard.clock.pass_(1.0)
        wait_for(lambda: (shard.turn(), len(node.requests) == 2)[1], "another connection")


@pytest.mark.parametrize("more", [kept(STATUS | {"status": "sending"}), b"\r\n", b"x" * 70_000])
def test_bytes_beyond_a_reply_are_never_taken_for_another(shard: RunningShard, more: bytes) -> None:
    with serving(says(kept(STATUS) + more)) as node:
        shard.assign(node.address)
        for number in range(4):
            assert shard.until(number + 1)[-1] is None
            shard.clock.pass_(1.0)
        assert {result.status.state for result in shard.results} == {"detecting"}
        assert len(node.requests) == 4


def test_reply_before_the_question_is_never_taken_for_its_reply(shard: RunningShard) -> None:
    def behave(peer: socket.socket, ended: threading.Event) -> None:
        peer.sendall(kept(STATUS))
        assert answered.wait(5)
        peer.sendall(kept(STATUS | {"status": "sending"}))
        spoke.set()
        ended.wait()

    answered, spoke = threading.Event(), threading.Event()
    with serving(behave) as node:
        shard.assign(node.address)
        for number in range(3):
            answered.clear()
            spoke.clear()
            shard.until(number + 1)
            answered.set()
            assert spoke.wait(5)
            shard.clock.pass_(1.0)  # the question is due before the shard has looked at the socket
        assert {result.status.state for result in shard.results} == {"detecting"}
        assert len(node.requests) == 3


def test_reply_that_came_in_time_counts_however_late_the_thread_is(shard: RunningShard) -> None:
    with serving(GOOD) as node:
        shard.assign(node.address)
        shard.shard.start_due()
        (key,) = shard.selector.get_map().values()
        wait_for(lambda: shard.selector.select(0), "the connection")
        shard.shard.advance(key.data)
        wait_for(lambda: shard.selector.select(0), "the reply")
        shard.clock.pass_(5.0)
        shard.shard.start_due()
        assert [result.status.error for result in shard.results] == [None]


def test_host_that_did_not_take_the_connection_by_the_deadline_is_not_connected(shard: RunningShard) -> None:
    with unanswering() as address:
        shard.assign(address)
        shard.turn()
        for seconds in (1.0, 1.0, 0.9, 1.0):
            shard.clock.pass_(seconds)
            shard.turn()
        assert [result.status.error for result in shard.results] == ["timeout"] * 3
        # 1.9 s after the last start, as for a host that is off; it would be 4 s for one that answers badly.
        assert shard.shard.poll_timeout() == pytest.approx(0.9)


def test_kept_connection_of_a_replaced_or_removed_node_is_closed(shard: RunningShard) -> None:
    with serving(conversation(kept(STATUS), kept(STATUS))) as node:
        shard.assign(node.address, node_id="M1 a")
        shard.until(1)
        assert shard.connections == 1
        shard.assign(node.address, node_id="M1 b")
        shard.until(2)
        assert len(node.requests) == 2
        shard.assign()
        assert shard.connections == 0
        assert shard.shard.poll_timeout() == 5.0


def test_same_reply_is_the_same_status_and_is_not_parsed_again(
    shard: RunningShard, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[bytes] = []
    parse = shard_module.status.parse_status
    monkeypatch.setattr(shard_module.status, "parse_status", lambda body: (parsed.append(body), parse(body))[1])
    with serving(conversation(*[kept(STATUS)] * 3, body({}), kept(STATUS))) as node:
        shard.assign(node.address)
        for number in range(4):
            shard.until(number + 1)
            shard.clock.pass_(1.0)
        assert len({id(result.status) for result in shard.results[:3]}) == 1
        assert shard.results[3].status.error == "bad_status"
        shard.until(5)
        assert shard.results[4].status is shard.results[0].status
        assert len(parsed) == 2


def test_many_nodes_cost_an_idle_turn_nothing() -> None:
    """With 600 questions in flight a turn looks at none of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 6000)), hard))
    with ExitStack() as stack:
        running = stack.enter_context(closing(RunningShard()))
        nodes = stack.enter_context(serving(silent, "0.0.0.0"))
        addresses = [
            Address(f"127.0.{8 + number // 200}.{number % 200 + 1}", nodes.address.port) for number in range(600)
        ]
        running.assign(*addresses)
        wait_for(lambda: (running.turn(), running.connections == 600)[1], "all connections", 20)
        looked = 0

        class Watched(dict[Address, Any]):
            def __iter__(self) -> Iterator[Address]:
                nonlocal looked
                looked += 1
                return super().__iter__()

            def values(self) -> Any:
                nonlocal looked
                looked += 1
                return super().values()

            def items(self) -> Any:
                nonlocal looked
                looked += 1
                return super().items()

        running.shard._nodes = Watched(running.shard._nodes)
        for _ in range(10):
            running.turn()
            running.shard.poll_timeout()
        assert looked == 0
