"""The rows of all nodes: what is made again, and that the shortcuts come to the same as making all of them."""

from __future__ import annotations

import random

from castray_bridge.probes.status import NodeStatus, failed
from castray_bridge.snapshot.table import NodeTable
from castray_bridge.sources.cluster import Node
from exporter.states import REPORTABLE
from servicekit.address import Address
from testkit.bridge_world import good
from testkit.per_state import count_per_state
from testkit.sources import node


def table(nodes: tuple[Node, ...]) -> NodeTable:
    made = NodeTable("idle")
    made.set_nodes(nodes, [Address(each.ip, 8000) if each.alive else None for each in nodes])
    return made


def fleet(count: int) -> tuple[Node, ...]:
    return tuple(node(f"N{n}", f"10.0.0.{n + 1}", nodeId=f"id-N{n}") for n in range(count))


def test_rows_of_a_new_list_are_kept_where_the_node_is_the_same() -> None:
    nodes = fleet(3)
    kept = table(nodes)
    first = kept.rows()
    changed = (node("N9", "10.0.0.9"), node("N1", "10.0.0.2", nodeId="id-N1", cpu=7), nodes[0])
    kept.set_nodes(changed, [Address(each.ip, 8000) for each in changed])
    assert [row in first for row in kept.rows()] == [False, False, True]
    assert kept.rows()[2] is first[0]


def test_any_sequence_of_changes_gives_the_rows_of_a_table_made_of_the_end() -> None:
    chosen = random.Random(7)
    nodes = (*fleet(6), node("N1", "10.0.9.9", alive=False), node("N7", "10.0.0.2"))
    kept, last = table(nodes), dict[Address, NodeStatus]()
    for _ in range(300):
        address = Address(chosen.choice(nodes).ip, 8000)
        status = good(status=chosen.choice(REPORTABLE).name, node_id=chosen.choice(["", "N1", "N2", "ubuntu"]))
        status = failed(last.get(address, status), "timeout") if chosen.random() < 0.3 else status
        if kept.set_status(address, status):
            last[address] = status
        if chosen.random() < 0.5:
            made = table(nodes)
            for each, seen in last.items():
                made.set_status(each, seen)
            assert (kept.rows(), kept.state_counts()) == (made.rows(), made.state_counts())


def test_states_are_counted_of_living_nodes() -> None:
    kept = table((*fleet(3), node("N4", "10.0.0.9", alive=False)))
    assert kept.set_status(Address("10.0.0.1", 8000), good(status="sending"))
    kept.rows()
    assert kept.state_counts() == count_per_state(unknown=2, sending=1)


def test_status_of_an_address_without_a_node_changes_nothing() -> None:
    kept = table(fleet(1))
    assert not kept.set_status(Address("10.0.0.9", 8000), good())
    assert kept.set_status(Address("10.0.0.1", 8000), good())
    assert not kept.set_status(Address("10.0.0.1", 8000), good())


def test_node_ids_stay_one_object_while_they_are_the_same() -> None:
    kept = table(fleet(2))
    before = kept.node_ids
    kept.set_nodes(fleet(2), [None, None])
    assert kept.node_ids is before == ("id-N0", "id-N1")
    kept.set_nodes(fleet(3), [None, None, None])
    assert kept.node_ids == ("id-N0", "id-N1", "id-N2")


def test_node_ids_that_do_not_name_the_nodes_are_none() -> None:
    missing, empty, number = node("A", "10.0.0.1"), node("B", "10.0.0.2", nodeId=""), node("C", "10.0.0.3", nodeId=7)
    twice = (node("D", "10.0.0.4", nodeId="d"), node("E", "10.0.0.5", nodeId="d"))
    for nodes in ((missing,), (empty,), (number,), twice):
        assert table(nodes).node_ids is None
