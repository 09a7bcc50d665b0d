"""Names of list entries, and which of several entries of one machine is alive."""

from __future__ import annotations

import pytest

from castray_bridge.sources.identity import ListedNode, resolve_nodes
from servicekit.node_names import Unnamed


def entry(name: str, ip: str, started_at: float = 0.0, *, alive: bool = True) -> ListedNode:
    return ListedNode(Unnamed(ip, ((name,),), alive), started_at)


def resolved(*entries: ListedNode) -> list[tuple[str, bool]]:
    return [tuple(found) for found in resolve_nodes(entries)]


def test_entries_keep_their_order_and_liveness() -> None:
    entries = (entry("M2", "10.0.0.2"), entry("M1", "10.0.0.1", alive=False), entry("M3", "10.0.0.3"))
    assert resolved(*entries) == [("M2", True), ("M1", False), ("M3", True)]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_living_entries_of_one_machine_the_last_started_is_alive(order: int) -> None:
    twins = (entry("M1", "10.0.0.1", 100.0), entry("M1", "10.0.0.1", 200.0))
    assert resolved(*twins[::order])[::order] == [("M1", False), ("M1", True)]


def test_without_start_times_the_last_entry_is_alive() -> None:
    assert resolved(*[entry("M1", "10.0.0.1")] * 3) == [("M1", False), ("M1", False), ("M1", True)]


def test_two_nodes_with_different_names_at_one_address_are_both_alive() -> None:
    assert resolved(entry("M1", "10.0.0.1"), entry("M2", "10.0.0.1")) == [("M1", True), ("M2", True)]


def test_machines_with_equal_candidates_are_both_alive_under_their_addresses() -> None:
    assert resolved(entry("board", "10.0.0.1"), entry("board", "10.0.0.2")) == [("10.0.0.1", True), ("10.0.0.2", True)]


def test_empty_list_stays_empty() -> None:
    assert resolved() == []
