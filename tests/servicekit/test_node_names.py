"""Names of nodes, from labels, resources, host names and addresses."""

from __future__ import annotations

import pytest

from servicekit.node_names import Unnamed, candidates, name_nodes

GROUP = "3f0aa1d28cbb50d7fb1fa1bb1c9803000000"  # an id as Ray gives it to placement groups


@pytest.mark.parametrize(
    ("labels", "resources", "name"),
    [
        ({"cmzsb.node": "Gate-3"}, ["M3"], "Gate-3"),
        ({}, ["CPU", "M3", "memory"], "M3"),
        (
            {},
            ["CPU", "GPU", "Wired", "Wireless", "node:1.2.3.4", "accelerator_type:T4", "object_store_memory"],
            "board",
        ),
        ({}, [f"CPU_group_0_{GROUP}", f"bundle_group_{GROUP}", f"M3_group_{GROUP}"], "board"),
        ({}, ["north_group_3"], "north_group_3"),
        ({"cmzsb.node": "<img src=x onerror=alert(1)>"}, [], "imgsrcxonerroralert1"),
        ({"cmzsb.node": "\u202e\u0000"}, ["M" * 200], "M" * 63),
    ],
)
def test_name_is_label_then_resource_then_host(labels: dict[str, str], resources: list[str], name: str) -> None:
    assert name_nodes([Unnamed("10.0.0.1", candidates(labels, resources, "", "board"))]) == [name]


@pytest.mark.parametrize(
    "resource",
    ["TPU", "TPU-v4-16-head", "NPU", "HPU", "XPU", "neuron_cores", "FURIOSA", "RBLN", "MBLT", "TTNPU", "GPU", "CPU"],
)
def test_accelerator_of_any_vendor_is_no_name(resource: str) -> None:
    assert name_nodes([Unnamed("10.0.0.1", candidates({}, [resource, "M3"], "", "board"))]) == ["M3"]
    assert name_nodes([Unnamed("10.0.0.1", candidates({}, [resource], "", "board"))]) == ["board"]


@pytest.mark.parametrize(
    ("resources", "node_name", "name"),
    [
        (["M3"], "gate", "M3"),
        ([], "gate", "gate"),
        ([], "10.0.0.1", "board"),
        ([], "fe80::1", "board"),
        ([], "", "board"),
    ],
)
def test_node_name_comes_after_resources_and_is_no_address(resources: list[str], node_name: str, name: str) -> None:
    assert name_nodes([Unnamed("10.0.0.1", candidates({}, resources, node_name, "board"))]) == [name]


def test_name_of_last_resort_is_the_address() -> None:
    assert name_nodes([Unnamed("10.0.0.1", candidates({}, ["CPU"], "10.0.0.1", ""))]) == ["10.0.0.1"]
    assert name_nodes([Unnamed("<img src=x>", ())]) == ["imgsrcx"]


@pytest.mark.parametrize("order", [1, -1])
def test_label_of_one_machine_is_no_other_machines_name_whatever_its_resources(order: int) -> None:
    nodes = [
        Unnamed("10.0.0.1", candidates({"cmzsb.node": "M1"}, ["M1"], "", "a")),
        Unnamed("10.0.0.2", candidates({"cmzsb.node": "M2"}, ["M1"], "", "b")),
        Unnamed("10.0.0.3", candidates({}, ["M2"], "", "c")),
        Unnamed("10.0.0.4", candidates({}, [], "", "M1")),
    ]
    assert name_nodes(nodes[::order])[::order] == ["M1", "M2", "c", "10.0.0.4"]


def test_dead_node_keeps_the_name_under_which_it_lives_elsewhere() -> None:
    nodes = [Unnamed("10.0.0.1", (("M1",),), is_alive=False), Unnamed("10.0.0.2", (("M1",),))]
    assert name_nodes(nodes) == ["M1", "M1"]
