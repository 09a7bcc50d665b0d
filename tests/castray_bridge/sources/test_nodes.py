"""From the replies of Ray and of an old CastRay to the nodes, on real samples."""

from __future__ import annotations

import json
from typing import Any

import pytest

from castray_bridge.sources import castray_nodes, ray_nodes
from castray_bridge.sources.cluster import Cluster, SourceError
from servicekit.node_names import Unnamed, candidates, name_nodes
from testkit.samples import sample


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
    assert name_nodes([Unnamed("10.0.0.1", candidates(labels, resources, "board"))]) == [name]


def test_name_of_last_resort_is_the_address() -> None:
    assert name_nodes([Unnamed("10.0.0.1", candidates({}, ["CPU"], ""))]) == ["10.0.0.1"]
    assert name_nodes([Unnamed("<img src=x>", ())]) == ["imgsrcx"]


@pytest.mark.parametrize("order", [1, -1])
def test_label_of_one_machine_is_no_other_machines_name_whatever_its_resources(order: int) -> None:
    nodes = [
        Unnamed("10.0.0.1", candidates({"cmzsb.node": "M1"}, ["M1"], "a")),
        Unnamed("10.0.0.2", candidates({"cmzsb.node": "M2"}, ["M1"], "b")),
        Unnamed("10.0.0.3", candidates({}, ["M2"], "c")),
        Unnamed("10.0.0.4", candidates({}, [], "M1")),
    ]
    assert name_nodes(nodes[::order])[::order] == ["M1", "M2", "c", "10.0.0.4"]


def test_dead_node_keeps_the_name_under_which_it_lives_elsewhere() -> None:
    nodes = [Unnamed("10.0.0.1", (("M1",),), is_alive=False), Unnamed("10.0.0.2", (("M1",),))]
    assert name_nodes(nodes) == ["M1", "M1"]


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


def old_castray(**changed: Any) -> dict[str, Any]:
    """Return a reply of the old CastRay with members of its first node replaced."""
    reply: dict[str, Any] = sample("castray_ray_dashboard")
    reply["data"]["nodes"][0] |= changed
    return reply


def test_existing_castray_passes_through_with_nothing_lost() -> None:
    reply = old_castray(extra={"kept": [1]})
    reply["data"]["future"] = reply["above"] = True
    found = castray_nodes.parse(reply)
    assert found.data == {key: value for key, value in reply["data"].items() if key != "nodes"}
    assert found.envelope == {key: value for key, value in reply.items() if key != "data"}
    for node, original in zip(found.nodes, reply["data"]["nodes"], strict=True):
        assert node.fields.items() >= {key: value for key, value in original.items() if "ame" not in key}.items()


def test_nodes_of_an_existing_castray_have_the_names_that_its_ray_knows() -> None:
    found = castray_nodes.parse(old_castray()).nodes
    assert [(node.name, node.alive) for node in found] == [("M1", True), ("M3", True), ("M3", False), ("M2", True)]
    assert found[0].fields["fullName"] == "M1 (127.0.0.1)"


def test_name_that_castray_gives_comes_before_that_of_ray() -> None:
    assert castray_nodes.parse(old_castray(name="Gate 3")).nodes[0].name == "Gate3"


def test_figures_of_an_existing_castray_are_numbers_and_marked_where_it_had_none() -> None:
    resources = {"totalCpu": None, "totalMemory": "7", "extra": None}
    fields = castray_nodes.parse(old_castray(cpu=None, gpu="41", resources=resources)).nodes[0].fields
    assert (fields["cpu"], fields["memory"], fields["gpu"], fields["usageKnown"]) == (0, 96.6, 0, False)
    assert fields["resources"] == {
        "totalCpu": 0, "totalMemory": 0, "totalGpu": 0, "objectStore": 0, "extra": None,
    }  # fmt: skip
    assert castray_nodes.parse(old_castray()).nodes[0].fields["usageKnown"] is True


@pytest.mark.parametrize(
    ("state", "alive"), [("ALIVE", True), ("alive", True), (None, True), ("DEAD", False), ("dead", False)]
)
def test_node_of_an_existing_castray_lives_unless_it_is_called_dead(state: str | None, alive: bool) -> None:
    node = castray_nodes.parse(old_castray(state=state)).nodes[0]
    assert node.alive is alive
    assert node.fields["state"] == (state or "ALIVE" if alive else "DEAD")


def test_of_two_lives_of_one_machine_at_an_existing_castray_the_last_in_its_list_lives() -> None:
    reply = old_castray()
    reply["data"]["nodes"] = [reply["data"]["nodes"][0] | {"nodeId": node_id} for node_id in ("", "", "b")]
    found = castray_nodes.parse(reply).nodes
    assert [(node.alive, node.fields["state"]) for node in found] == [(False, "DEAD"), (False, "DEAD"), (True, "ALIVE")]


@pytest.mark.parametrize("ip", ["head.local", None, 7])
def test_node_of_an_existing_castray_without_an_address_is_shown(ip: Any) -> None:
    node = castray_nodes.parse(old_castray(nodeIp=ip)).nodes[0]
    assert (node.name, node.fields["nodeIp"]) == ("M1", ip)


@pytest.mark.parametrize(
    "reply", [None, [], {}, {"result": False, "data": {"nodes": []}}, {"result": True, "data": {"nodes": []}},
              {"result": True, "data": {"nodes": ["x"]}}]
)  # fmt: skip
def test_castray_without_a_list_is_an_error(reply: Any) -> None:
    with pytest.raises(SourceError):
        castray_nodes.parse(reply)
