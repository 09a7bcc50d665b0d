"""Ray's replies, from real samples to a `Cluster`."""

from __future__ import annotations

import json
from typing import Any

import pytest

from castray_bridge.sources import ray_nodes
from castray_bridge.sources.cluster import Cluster, SourceError
from testkit.samples import sample


def cluster(**replaced: Any) -> Cluster:
    replies = {
        "nodes": sample("ray_api_v0_nodes"),
        "usage": sample("ray_nodes_summary"),
        "status": sample("ray_cluster_status"),
    } | replaced
    return ray_nodes.parse_ray_cluster(replies["nodes"], replies["usage"], replies["status"], "http://head:8265")


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
    assert summary["resources"]["cpu"] == {"total": 6.0, "used": 0.0, "available": 6.0, "usagePercent": 0.0}
    assert summary["resources"]["memory"]["totalGB"] == 68.8
    assert summary["resources"]["objectStore"]["total"] == 251658240.0


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


def test_host_name_of_several_machines_is_nobodys_name() -> None:
    nodes = sample("ray_api_v0_nodes")
    for entry in nodes["data"]["result"]["result"]:
        for resource in ("M1", "M2", "M3"):
            entry["resources_total"].pop(resource, None)
    names = {node.ip: node.name for node in cluster(nodes=nodes).nodes if node.alive}
    assert names == {"127.0.0.1": "127.0.0.1", "127.0.0.2": "127.0.0.2", "127.0.0.3": "127.0.0.3"}


def test_label_of_several_machines_gives_way_to_the_next_name() -> None:
    nodes = sample("ray_api_v0_nodes")
    for entry in nodes["data"]["result"]["result"]:
        entry["labels"]["cmzsb.node"] = "copied"
    assert {node.name for node in cluster(nodes=nodes).nodes if node.alive} == {"M1", "M2", "M3"}


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_lives_of_one_machine_the_last_one_started_lives(order: int) -> None:
    nodes = sample("ray_api_v0_nodes")
    entries = nodes["data"]["result"]["result"]
    entries[2]["state"] = "ALIVE"  # Ray does not know yet that the first M3 is dead
    entries.reverse() if order < 0 else None
    found = cluster(nodes=nodes)
    assert [(node.node_id[:4], node.fields["state"]) for node in found.nodes if node.name == "M3"][::order] == [
        ("0f4f", "ALIVE"), ("5010", "DEAD"),
    ]  # fmt: skip
    assert (found.data["summary"]["aliveNodes"], found.data["summary"]["deadNodes"]) == (3, 1)


def test_time_of_death_is_known_of_the_dead_alone() -> None:
    assert [node.ended_at for node in cluster().nodes] == [None, None, 1795460584.524, None]


def test_node_without_an_address_is_shown_all_the_same() -> None:
    nodes = sample("ray_api_v0_nodes")
    nodes["data"]["result"]["result"][0]["node_ip"] = "head.local"
    found = cluster(nodes=nodes).nodes[0]
    assert (found.name, found.ip, found.fields["fullName"]) == ("M1", "head.local", "M1 (head.local)")


def test_figures_of_a_node_are_those_of_ray() -> None:
    nodes, usage = sample("ray_api_v0_nodes"), sample("ray_nodes_summary")
    nodes["data"]["result"]["result"][0]["resources_total"]["GPU"] = 2.0
    usage["data"]["summary"][0]["gpus"] = [{"index": 0, "utilizationGpu": 41}, {"index": 1, "utilizationGpu": 20}]
    assert cluster(nodes=nodes, usage=usage).nodes[0].fields == {
        "id": "57b72cbc",
        "name": "M1",
        "fullName": "M1 (127.0.0.1)",
        "nodeIp": "127.0.0.1",
        "nodeId": "06fb4b5d4c012216b058055b59e9cc2ba1a90bc8fd075e8757b72cbc",
        "state": "ALIVE",
        "isHeadNode": True,
        "cpu": 20.4,
        "memory": 3.4,
        "gpu": 30.5,
        "gpuKnown": True,
        "usageKnown": True,
        "status": "active",
        "stateMessage": None,
        "connectionType": "wired",
        "resources": {"totalCpu": 2.0, "totalMemory": 23.1, "totalGpu": 2.0, "objectStore": 0.1},
    }


def test_dead_node_has_no_figures_of_use_and_says_why_it_is_dead() -> None:
    fields = cluster().nodes[2].fields
    assert (fields["cpu"], fields["memory"], fields["gpu"], fields["usageKnown"]) == (0, 0, 0, False)
    assert (fields["status"], fields["connectionType"]) == ("dead", "wireless")
    assert fields["stateMessage"].startswith("Unexpected termination")


@pytest.mark.parametrize("lost", ["cpu", "mem"])
@pytest.mark.parametrize("value", [None, "12", [], True])
def test_use_is_known_only_where_its_figures_are(lost: str, value: Any) -> None:
    usage = sample("ray_nodes_summary")
    usage["data"]["summary"][0][lost] = value
    assert [node.fields["usageKnown"] for node in cluster(usage=usage).nodes if node.alive] == [False, True, True]


@pytest.mark.parametrize("value", [1e308, 10**299, -(10**301), None, "many"])
def test_absurd_figures_stay_numbers_that_json_can_hold(value: Any) -> None:
    nodes, status = sample("ray_api_v0_nodes"), sample("ray_cluster_status")
    nodes["data"]["result"]["result"][0]["resources_total"] |= {"CPU": value, "memory": value}
    usage = status["data"]["clusterStatus"]["loadMetricsReport"]["usage"]
    usage["CPU"] = usage["memory"] = [value, value]
    found = cluster(nodes=nodes, status=status)
    for part in (found.data["summary"], found.nodes[0].fields):
        json.dumps(part, allow_nan=False)


def test_resource_of_several_nodes_is_nobodys_name() -> None:
    nodes = sample("ray_api_v0_nodes")
    for entry in nodes["data"]["result"]["result"]:
        entry["resources_total"]["Jetson"] = 1
    assert [node.name for node in cluster(nodes=nodes).nodes if node.alive] == ["M1", "M3", "M2"]
