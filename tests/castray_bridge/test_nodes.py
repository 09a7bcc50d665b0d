"""From the replies of Ray and of an old CastRay to the nodes, on real samples."""

from __future__ import annotations

from typing import Any

import pytest

from castray_bridge import castray_nodes, ray_nodes
from castray_bridge.cluster import Cluster, SourceError
from castray_bridge.names import node_name
from tests.castray_bridge.samples import sample


def cluster(**replaced: Any) -> Cluster:
    replies = {
        "nodes": sample("ray_api_v0_nodes"),
        "usage": sample("ray_nodes_summary"),
        "status": sample("ray_cluster_status"),
    } | replaced
    return ray_nodes.parse(replies["nodes"], replies["usage"], replies["status"], "http://head:8265")


def test_names_are_those_of_the_custom_resources() -> None:
    assert [(node.name, node.ip, node.alive) for node in cluster().nodes] == [
        ("M1", "127.0.0.1", True),
        ("M3", "127.0.0.3", True),
        ("M3", "127.0.0.3", False),
        ("M2", "127.0.0.2", True),
    ]


def test_memory_is_the_used_share_and_not_the_free_one() -> None:
    assert {node.fields["memory"] for node in cluster().nodes if node.alive} == {3.4}


def test_summary_counts_and_measures_the_cluster() -> None:
    summary = cluster().data["summary"]
    assert (summary["totalNodes"], summary["aliveNodes"], summary["deadNodes"], summary["headNodes"]) == (4, 3, 1, 1)
    assert summary["resources"]["cpu"] == {"total": 4.0, "used": 0.0, "available": 4.0, "usagePercent": 0.0}
    assert summary["resources"]["memory"]["totalGB"] == 46.0
    assert summary["resources"]["objectStore"]["total"] == 167772160.0


@pytest.mark.parametrize("lost", ["usage", "status"])
@pytest.mark.parametrize("reply", [None, {}, [], {"data": None}, {"data": {"summary": [{"mem": ["x"], "cpu": None}]}}])
def test_without_usage_figures_are_0_and_marked_never_null(lost: str, reply: Any) -> None:
    found = cluster(**{lost: reply})
    for node in found.nodes:
        for key in ("cpu", "memory", "gpu"):
            assert isinstance(node.fields[key], (int, float))
        assert all(isinstance(value, (int, float)) for value in node.fields["resources"].values())
    marked = [node.fields["usageKnown"] for node in found.nodes if node.alive]
    assert any(marked) is (lost == "status")
    assert found.data["summary"]["usageKnown"] is (lost == "usage")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda result: result.update(total=5), "4 of 5"),
        (lambda result: result.update(result=[], total=0), "0 of 0"),
        (lambda result: result.update(result=None), "no node list"),
        (lambda result: result["result"].append({"node_id": "x"}), "without an address"),
        (lambda result: result["result"].append("x"), "without an address"),
    ],
)
def test_half_a_list_is_no_list(change: Any, said: str) -> None:
    nodes = sample("ray_api_v0_nodes")
    change(nodes["data"]["result"])
    with pytest.raises(SourceError, match=said):
        cluster(nodes=nodes)


@pytest.mark.parametrize("reply", [None, [], "x", {}, {"data": {}}, {"data": {"result": []}}])
def test_other_json_is_no_list(reply: Any) -> None:
    with pytest.raises(SourceError):
        cluster(nodes=reply)


def test_hundreds_of_nodes_are_all_there() -> None:
    nodes = sample("ray_api_v0_nodes")
    row = nodes["data"]["result"]["result"][1]
    many = [row | {"node_id": f"{n:056d}", "node_ip": f"10.0.{n // 250}.{n % 250}", "resources_total": {f"N{n}": 1}}
            for n in range(700)]  # fmt: skip
    nodes["data"]["result"] |= {"result": many, "total": 700}
    assert len(cluster(nodes=nodes).nodes) == 700


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
        ({}, ["CPU_group_0_abcdef", "bundle_group_abcdef"], "board"),
        ({"cmzsb.node": "<img src=x onerror=alert(1)>"}, [], "imgsrcxonerroralert1"),
        ({"cmzsb.node": "\u202e\u0000"}, ["M" * 200], "M" * 63),
    ],
)
def test_name_is_label_then_resource_then_host(labels: dict[str, str], resources: list[str], name: str) -> None:
    assert node_name(labels, resources, "board", "10.0.0.1") == name


def test_name_of_last_resort_is_the_address() -> None:
    assert node_name({}, ["CPU"], "", "10.0.0.1") == "10.0.0.1"


def test_resource_of_several_nodes_is_nobodys_name() -> None:
    nodes = sample("ray_api_v0_nodes")
    for entry in nodes["data"]["result"]["result"]:
        entry["resources_total"]["Jetson"] = 1
    assert [node.name for node in cluster(nodes=nodes).nodes if node.alive] == ["M1", "M3", "M2"]


def test_existing_castray_passes_through_with_nothing_lost() -> None:
    reply = sample("castray_ray_dashboard")
    reply["data"]["nodes"][0]["extra"] = {"kept": [1]}
    reply["data"]["future"] = True
    found = castray_nodes.parse(reply)
    assert found.data == {key: value for key, value in reply["data"].items() if key != "nodes"}
    for node, original in zip(found.nodes, reply["data"]["nodes"], strict=True):
        assert node.fields.items() >= {key: value for key, value in original.items() if "ame" not in key}.items()


@pytest.mark.parametrize(
    "reply", [None, [], {}, {"result": False, "data": {"nodes": []}}, {"result": True, "data": {"nodes": []}},
              {"result": True, "data": {"nodes": ["x"]}}]
)  # fmt: skip
def test_castray_without_a_list_is_an_error(reply: Any) -> None:
    with pytest.raises(SourceError):
        castray_nodes.parse(reply)
