"""Conflicts of node names, and the log of them."""

from __future__ import annotations

import pytest

from castray_bridge.probes.status import PENDING, NodeStatus, failed
from castray_bridge.snapshot.names import DUPLICATE, MISMATCH, name_conflicts
from castray_bridge.sources.cluster import Cluster
from servicekit.address import Address
from testkit.bridge_world import M1, World, good
from testkit.sources import node


def conflicts(*named: tuple[str, str, str]) -> list[str | None]:
    """Return the conflicts of living nodes, given as name, address and the monitor's own name."""
    nodes = [node(name, ip) for name, ip, _ in named]
    return name_conflicts(nodes, [NodeStatus("idle", monitor_name=own) for *_, own in named])


@pytest.mark.parametrize(
    ("named", "found"),
    [
        ([("M1", "10.0.0.1", "M1"), ("M2", "10.0.0.2", "M2")], [None, None]),
        ([("M1", "10.0.0.1", ""), ("M2", "10.0.0.2", "")], [None, None]),
        ([("M1", "10.0.0.1", "ubuntu"), ("M2", "10.0.0.2", "ubuntu")], [MISMATCH, MISMATCH]),
        ([("M1", "10.0.0.1", "M1"), ("M2", "10.0.0.2", "M1")], [DUPLICATE, MISMATCH]),
        ([("M1", "10.0.0.1", "M1"), ("M9", "10.0.0.1", "M1")], [None, MISMATCH]),
    ],
)
def test_monitor_has_the_nodes_name_alone_or_is_in_conflict(
    named: list[tuple[str, str, str]], found: list[str | None]
) -> None:
    assert conflicts(*named) == found


def test_dead_node_has_no_conflict() -> None:
    nodes = [node("M1", "10.0.0.1"), node("M1", "10.0.0.2", alive=False)]
    assert name_conflicts(nodes, [NodeStatus("idle", monitor_name="M1")] * 2) == [None, None]


def test_conflict_lasts_while_the_monitor_does_not_answer() -> None:
    status = failed(NodeStatus("idle", monitor_name="ubuntu"), "timeout")
    assert name_conflicts([node("M1", "10.0.0.1")], [status]) == [MISMATCH]


def test_monitor_that_was_never_read_has_no_conflict() -> None:
    assert name_conflicts([node("M1", "10.0.0.1")], [PENDING]) == [None]


def test_conflict_is_shown_and_counted(world: World) -> None:
    world.publish(M1, good(node_id="ubuntu"))
    shown = world.node("M1")
    assert (shown["monitorName"], shown["nameConflict"]) == ("ubuntu", "mismatch")
    sample = 'castray_bridge_node_name_mismatch{node="M1",node_ip="127.0.0.1"}'
    assert f"{sample} 1.0" in world.client.get("/metrics").get_data(as_text=True)
    world.publish(M1, good(node_id="M1"))
    shown = world.node("M1")
    assert (shown["monitorName"], shown["nameConflict"]) == ("M1", None)
    assert f"{sample} 0.0" in world.client.get("/metrics").get_data(as_text=True)


def test_conflict_that_begins_at_another_node_changes_a_row_whose_status_did_not(world: World) -> None:
    world.publish(M1, good(node_id="M1"))
    assert world.node("M1")["nameConflict"] is None
    world.publish(Address("127.0.0.2", 8000), good(node_id="M1"))
    assert world.node("M1")["nameConflict"] == "duplicate"


def test_conflicts_are_logged_once_and_their_end(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    for name in ("ubuntu", "ubuntu", "M1", "M1"):
        world.publish(M1, good(node_id=name))
        world.bridge.poller.refresh()
    assert [record.getMessage() for record in caplog.records] == [
        "node_name_conflict node=M1 node_ip=127.0.0.1 monitor_name=ubuntu kind=mismatch held_back=0",
        "node_names_agree",
    ]


def test_conflicts_of_a_large_fleet_fill_no_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.source.cluster = Cluster(tuple(node(f"N{n}", f"10.0.{n}.1") for n in range(100)))
    world.bridge.poller.refresh()
    for n in range(100):
        world.publish(Address(f"10.0.{n}.1", 8000), good(node_id="ubuntu"))
    world.bridge.poller.refresh()
    assert sum("node_name_conflict" in record.getMessage() for record in caplog.records) == 20
