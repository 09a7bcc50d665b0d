"""The registry of monitors, present and expected."""

from __future__ import annotations

import pytest

from castray_bridge.sources.cluster import Cluster
from castray_bridge.sources.discovery import LOST_SECONDS, TargetRegistry
from castray_bridge.sources.inventory import Expected
from servicekit.address import Address
from testkit.clocks import ManualClock
from testkit.sources import node


def names(registry: TargetRegistry) -> dict[str, tuple[str, bool]]:
    return {found.name: (found.address.host, found.present) for found in registry.targets()}


def test_lost_node_stays_listed_for_an_hour() -> None:
    clock = ManualClock()
    registry = TargetRegistry(clock, 8000)
    registry.update(Cluster((node("M1", "10.0.0.1"), node("M2", "10.0.0.2"))))
    registry.update(Cluster((node("M1", "10.0.0.1"),)))
    assert names(registry) == {"M1": ("10.0.0.1", True), "M2": ("10.0.0.2", False)}
    clock.pass_(LOST_SECONDS + 1)
    registry.update(Cluster((node("M1", "10.0.0.1"),)))
    assert names(registry) == {"M1": ("10.0.0.1", True)}


def test_node_that_changes_its_address_leaves_no_ghost() -> None:
    registry = TargetRegistry(ManualClock(), 8000)
    registry.update(Cluster((node("M1", "10.0.0.1"),)))
    registry.update(Cluster((node("M1", "10.0.0.9"),)))
    assert names(registry) == {"M1": ("10.0.0.9", True)}


def test_address_that_another_node_took_over_is_no_ghosts() -> None:
    registry = TargetRegistry(ManualClock(), 8000)
    registry.update(Cluster((node("M1", "10.0.0.1"),)))
    registry.update(Cluster((node("M7", "10.0.0.1"),)))
    assert names(registry) == {"M7": ("10.0.0.1", True)}


def test_dead_twin_is_neither_asked_nor_listed() -> None:
    registry = TargetRegistry(ManualClock(), 8000)
    twins = (node("M3", "10.0.0.3", alive=False, node_id="old"), node("M3", "10.0.0.3", node_id="new"))
    assert registry.update(Cluster(twins)) == (None, Address("10.0.0.3", 8000))
    assert names(registry) == {"M3": ("10.0.0.3", True)}


def test_inventory_adds_who_should_be_there_with_labels_and_port() -> None:
    expected = [Expected("M1", "10.0.0.1", {"room": "A1"}, 8123), Expected("M2", "10.0.0.2")]
    registry = TargetRegistry(ManualClock(), 8000, expected)
    registry.update(Cluster((node("M1", "10.0.0.1"),)))
    assert registry.target_groups() == [
        {"targets": ["10.0.0.1:8123"], "labels": {"room": "A1", "node": "M1", "node_ip": "10.0.0.1"}},
        {"targets": ["10.0.0.2:8000"], "labels": {"node": "M2", "node_ip": "10.0.0.2"}},
    ]


def test_machines_with_one_name_are_both_listed() -> None:
    registry = TargetRegistry(ManualClock(), 8000)
    registry.update(Cluster((node("vm", "10.0.0.1"), node("vm", "10.0.0.2"))))
    assert [group["targets"] for group in registry.target_groups()] == [["10.0.0.1:8000"], ["10.0.0.2:8000"]]


@pytest.mark.parametrize("ip", ["head.local", "", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "fe80::1%eth0"])
def test_address_that_is_no_machines_is_not_asked(ip: str) -> None:
    registry = TargetRegistry(ManualClock(), 8000)
    assert registry.update(Cluster((node("M1", ip),))) == (None,)
    assert registry.target_groups() == []


def test_node_that_died_before_the_start_stays_listed_for_the_rest_of_its_hour() -> None:
    clock = ManualClock()
    cluster = Cluster(
        (
            node("M1", "10.0.0.1"),
            node("M2", "10.0.0.2", alive=False, ended_at=clock.time() - 600),
            node("M3", "10.0.0.3", alive=False, ended_at=clock.time() - LOST_SECONDS - 1),
            node("M4", "10.0.0.4", alive=False),
            # Lost earlier, and back: at its address, under its name.
            node("M5", "10.0.0.1", alive=False, ended_at=clock.time() - 60),
            node("M1", "10.0.0.9", alive=False, ended_at=clock.time() - 60),
        )
    )
    registry = TargetRegistry(clock, 8000)
    for seconds in (LOST_SECONDS - 601, 2):
        registry.update(cluster)
        assert names(registry) == {"M1": ("10.0.0.1", True), "M2": ("10.0.0.2", False)}
        clock.pass_(seconds)
    registry.update(cluster)
    assert names(registry) == {"M1": ("10.0.0.1", True)}


def test_of_two_places_where_a_lost_node_was_the_last_is_listed() -> None:
    clock = ManualClock()
    registry = TargetRegistry(clock, 8000)
    registry.update(
        Cluster(
            (
                node("M1", "10.0.0.1"),
                node("M2", "10.0.0.2", alive=False, ended_at=clock.time() - 60),
                node("M2", "10.0.0.3", alive=False, ended_at=clock.time() - 600),
            )
        )
    )
    assert names(registry) == {"M1": ("10.0.0.1", True), "M2": ("10.0.0.2", False)}


def test_address_of_version_6_stands_in_brackets() -> None:
    registry = TargetRegistry(ManualClock(), 8000)
    registry.update(Cluster((node("M1", "fd00::1"),)))
    assert registry.target_groups()[0]["targets"] == ["[fd00::1]:8000"]


def test_labels_of_the_inventory_are_in_the_fields_of_its_nodes() -> None:
    registry = TargetRegistry(ManualClock(), 8000, [Expected("M1", "10.0.0.1", {"room": "A1"})])
    found = registry.labelled(Cluster((node("M1", "10.0.0.1"), node("M2", "10.0.0.2")))).nodes
    assert [each.fields["inventoryLabels"] for each in found] == [{"room": "A1"}, {}]


def test_without_labels_nodes_stay_as_they_are() -> None:
    cluster = Cluster((node("M1", "10.0.0.1"),))
    assert TargetRegistry(ManualClock(), 8000, [Expected("M1", "10.0.0.1")]).labelled(cluster) is cluster


def test_inventory_is_read_for_each_list() -> None:
    inventory = [Expected("M1", "10.0.0.1")]
    registry = TargetRegistry(ManualClock(), 8000, lambda: inventory)
    inventory[:] = [Expected("M2", "10.0.0.2")]
    registry.update(Cluster())
    assert names(registry) == {"M2": ("10.0.0.2", False)}


def test_same_cluster_leads_to_the_same_objects_until_the_inventory_changes() -> None:
    """The cluster is the same one each second; to compare a thousand nodes of it would cost something."""
    inventory = [Expected("M1", "10.0.0.1", {"room": "A"})]
    registry = TargetRegistry(ManualClock(), 8000, lambda: list(inventory))
    cluster = Cluster((node("M1", "10.0.0.1"),))
    addresses, labelled = registry.update(cluster), registry.labelled(cluster)
    assert registry.update(cluster) is addresses
    assert registry.labelled(cluster) is labelled
    inventory[0] = Expected("M1", "10.0.0.1", {"room": "B"}, monitor_port=9000)
    assert registry.update(cluster) == (Address("10.0.0.1", 9000),)
    assert registry.labelled(cluster).nodes[0].fields["inventoryLabels"] == {"room": "B"}
    assert names(registry) == {"M1": ("10.0.0.1", True)}


def test_lost_node_goes_after_its_hour_while_the_cluster_is_the_same() -> None:
    clock = ManualClock()
    registry = TargetRegistry(clock, 8000)
    registry.update(Cluster((node("M1", "10.0.0.1"), node("M2", "10.0.0.2"))))
    cluster = Cluster((node("M1", "10.0.0.1"),))
    registry.update(cluster)
    assert names(registry) == {"M1": ("10.0.0.1", True), "M2": ("10.0.0.2", False)}
    clock.pass_(LOST_SECONDS + 1)
    registry.update(cluster)
    assert names(registry) == {"M1": ("10.0.0.1", True)}
