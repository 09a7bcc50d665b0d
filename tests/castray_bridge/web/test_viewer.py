"""What a WebSocket client is due, by a clock that the test sets."""

from __future__ import annotations

from typing import Any

import pytest

from castray_bridge.sources.cluster import Cluster
from castray_bridge.web.access import DELTA_PROTOCOL
from castray_bridge.web.client import DropError
from castray_bridge.web.viewer import (
    LIST_BYTES_PER_SECOND,
    MAX_DISTANCE,
    PING_DISTANCE,
    SEND_SECONDS,
    Viewer,
)
from testkit.bridge_world import M1, World, good
from testkit.deltas import DeltaClient
from testkit.fake_client import FakeClient
from testkit.sources import node


class Watching:
    """A viewer of the sample cluster."""

    def __init__(self, subprotocol: str | None) -> None:
        self.world = World()
        self.client = FakeClient(subprotocol)
        self.viewer = Viewer(self.client, "127.0.0.1", 0.0)  # type: ignore[arg-type] # all that it needs of a client

    def change(self, task: str) -> None:
        self.world.publish(M1, good(latest_state={"current_task": task}))

    def offer(self, now: float) -> list[dict[str, Any]]:
        """Offer the newest snapshot; return the messages that came of it."""
        self.viewer.offer(self.world.bridge.store.snapshot(), now)
        return self.client.messages()

    def hear(self, text: str) -> None:
        self.client.says.append(text)
        self.viewer.hear()


@pytest.fixture
def plain() -> Watching:
    return Watching(None)


@pytest.fixture
def delta() -> Watching:
    return Watching(DELTA_PROTOCOL)


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


def test_list_comes_first_then_what_changed_and_signs_of_life(delta: Watching) -> None:
    kept = DeltaClient()
    for now, task in ((0.0, "1"), (0.1, "2"), (0.2, "3")):
        delta.change(task)
        for message in delta.offer(now):
            kept.take(message)
        assert kept.nodes == delta.world.bridge.nodes()
    assert (kept.seq, kept.node("M1")["currentTask"]) == (2, "3")
    assert delta.offer(0.2 + MAX_DISTANCE - 0.01) == []
    (sign,) = delta.offer(0.2 + MAX_DISTANCE)
    assert sign == {"type": "cluster_delta", "seq": 3, "data": {"nodes": []}}


def test_client_without_the_subprotocol_gets_whole_lists_without_numbers(plain: Watching) -> None:
    for now in (0.0, MAX_DISTANCE):
        (message,) = plain.offer(now)
        assert message.keys() == {"type", "data"}
        assert message["data"]["nodes"] == plain.world.bridge.nodes()
    plain.hear("resync")  # means nothing without the subprotocol
    assert plain.offer(MAX_DISTANCE + 0.1) == []


def test_slow_reader_gets_one_message_about_all_that_it_missed(delta: Watching) -> None:
    kept = DeltaClient()
    kept.take(*delta.offer(0.0))
    delta.client.blocked_since = 0.0
    for task in ("1", "2", "3"):
        delta.change(task)
        assert delta.viewer.offer(delta.world.bridge.store.snapshot(), 0.1), "to be offered again"
        assert delta.client.messages() == []
    delta.client.blocked_since = None
    kept.take(*delta.offer(0.2))
    assert kept.nodes == delta.world.bridge.nodes()


def test_resync_gets_the_list_with_the_next_number(delta: Watching) -> None:
    delta.offer(0.0)
    delta.hear("resync")
    (message,) = delta.offer(0.2)
    assert (message["type"], message["seq"]) == ("cluster_status", 1)
    assert delta.offer(0.3) == []
    delta.change("1")
    assert kinds(delta.offer(0.4)) == ["cluster_delta"]


def test_ping_is_answered(plain: Watching) -> None:
    plain.hear("ping")
    assert plain.client.texts() == ["pong"]


def test_whole_lists_stay_within_the_budget_of_bytes_and_come_in_time_all_the_same(plain: Watching) -> None:
    nodes = tuple(node(f"N{n}", f"10.0.{n // 200}.{n % 200 + 1}", stateMessage="x" * 2000) for n in range(250))
    plain.world.source.cluster = Cluster(nodes)
    plain.world.bridge.poller.refresh()
    sizes = {}
    for tenth in range(200):
        plain.world.source.cluster = Cluster((node("M0", "10.1.0.1", cpu=tenth), *nodes))
        plain.world.bridge.poller.refresh()
        is_behind = plain.viewer.offer(plain.world.bridge.store.snapshot(), tenth / 10)
        sent = sum(map(len, plain.client.texts()))
        assert is_behind == (sent == 0)
        if sent:
            sizes[tenth] = sent
    assert 0.8 < sum(sizes.values()) / 20 / LIST_BYTES_PER_SECOND < 1.1
    small = Watching(None)
    for tenth in range(10):
        small.change(str(tenth))
        assert len(small.offer(tenth / 10)) == 1


def test_push_without_lists_is_for_deltas_alone(plain: Watching, delta: Watching) -> None:
    for watching, sent in ((plain, 0), (delta, 1)):
        watching.offer(0.0)
        watching.change("1")
        assert watching.viewer.offer(watching.world.bridge.store.snapshot(), 0.1, may_be_list=False) == (sent == 0)
        assert len(watching.client.messages()) == sent
        assert len(watching.offer(0.1)) == 1 - sent


def test_list_of_any_size_is_sent_every_three_seconds(plain: Watching) -> None:
    plain.world.source.cluster = Cluster((node("N1", "10.0.0.1", stateMessage="x" * 5_000_000),))
    plain.world.bridge.poller.refresh()
    assert len(plain.offer(0.0)) == 1
    plain.change("1")
    assert [len(plain.offer(now)) for now in (0.1, MAX_DISTANCE - 0.1, MAX_DISTANCE)] == [0, 0, 1]


def test_client_that_takes_nothing_is_dropped(plain: Watching) -> None:
    plain.client.blocked_since = 10.0
    plain.viewer.check(10.0 + SEND_SECONDS - 0.1)
    assert plain.client.pings == 0  # a ping would wait behind what the client reads slowly
    with pytest.raises(DropError, match="does not read"):
        plain.viewer.check(10.0 + SEND_SECONDS)


def test_clients_are_pinged_every_few_seconds(plain: Watching) -> None:
    for now in (1.0, PING_DISTANCE, PING_DISTANCE + 1, 2 * PING_DISTANCE):
        plain.viewer.check(now)
    assert plain.client.pings == 2
