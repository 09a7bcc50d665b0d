"""Places for nodes that answer, and the limit of connections to the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector

import pytest

from castray_bridge.probes.connections import Connections, ProbedNode
from castray_bridge.probes.schedule import Schedule
from servicekit.address import Address
from testkit.hostile import HostileServer, serving, silent


class Nodes:
    """Three nodes of one silent server, and the connections to them."""

    def __init__(self, server: HostileServer, selector: DefaultSelector) -> None:
        self.selector = selector
        self.connections = Connections(selector)
        addresses = (Address(f"127.0.6.{number}", server.address.port) for number in range(1, 4))
        self.nodes = [ProbedNode(address, "", Schedule(1.0, 0.0, 0.0)) for address in addresses]

    def close(self) -> None:
        for node in self.nodes:
            self.connections.close(node)


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    with ExitStack() as stack:
        server = stack.enter_context(serving(silent, "0.0.0.0"))
        found = Nodes(server, stack.enter_context(DefaultSelector()))
        stack.callback(found.close)
        yield found


def test_connections_to_nodes_without_a_place_are_counted(nodes: Nodes) -> None:
    connections, (one, other, _) = nodes.connections, nodes.nodes
    connections.limit(places=1, plain=2)
    connections.open(one)
    assert not connections.is_full
    assert connections.open(one) is one.connection  # one each
    assert not connections.is_full
    connections.open(other)
    assert connections.is_full
    connections.take_place(one)
    assert not connections.is_full
    connections.leave_place(one)
    assert connections.is_full
    connections.close(one)
    connections.close(one)
    assert not connections.is_full


def test_places_are_no_more_than_the_limit_and_are_given_up_when_that_falls(nodes: Nodes) -> None:
    connections = nodes.connections
    connections.limit(places=2, plain=1)
    for node in nodes.nodes:
        connections.take_place(node)
    assert [node.has_place for node in nodes.nodes] == [True, True, False]
    connections.limit(places=1, plain=1)
    for node in nodes.nodes:
        connections.take_place(node)
    assert [node.has_place for node in nodes.nodes] == [False, True, False]
    assert connections.places == 1
    connections.leave_place(nodes.nodes[1])
    connections.leave_place(nodes.nodes[1])
    assert connections.places == 0


def test_connection_to_a_node_with_a_place_does_not_count(nodes: Nodes) -> None:
    connections, (one, *_) = nodes.connections, nodes.nodes
    connections.limit(places=1, plain=1)
    connections.take_place(one)
    connections.open(one)
    assert not connections.is_full
    connections.close(one)
    assert one.has_place
    connections.open(nodes.nodes[1])
    assert connections.is_full


def test_selector_waits_for_what_the_connection_needs_until_it_is_closed(nodes: Nodes) -> None:
    connections, (one, *_) = nodes.connections, nodes.nodes
    connection = connections.open(one)
    connection.send("/api/status")
    connections.watch(one, connection)
    (key,) = nodes.selector.get_map().values()
    assert (key.data, key.events) == (one, EVENT_WRITE)
    assert nodes.selector.select(5)
    connection.advance()
    connections.watch(one, connection)
    (key,) = nodes.selector.get_map().values()
    assert key.events == EVENT_READ
    connections.close(one)
    assert not nodes.selector.get_map()


def test_connection_that_carried_no_whole_reply_is_not_reusable(nodes: Nodes) -> None:
    connections, (one, *_) = nodes.connections, nodes.nodes
    connections.close_unless_reusable(one)
    connections.open(one)
    connections.close_unless_reusable(one)
    assert one.connection is None
