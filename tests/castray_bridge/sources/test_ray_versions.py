"""The parser of Ray's replies over real ones of Ray 2.8 to 2.60."""

from __future__ import annotations

import json

import pytest

from castray_bridge.sources.cluster import Cluster
from castray_bridge.sources.ray_nodes import NodeFacts, node_facts, parse_ray_cluster
from testkit.samples import ray_replies, ray_samples

SAMPLES = ray_samples()
LISTED = {
    # name, and the numbers of living and of dead entries where they are not those of most samples
    "2.20.0-rejoined": (3, 2), "2.35.0-rejoined": (3, 2), "2.44.1-rejoined": (3, 2), "2.51.2-rejoined": (3, 2),
    "2.60.0-rejoined": (3, 2), "2.51.2-load": (4, 3), "2.9.3": (4, 1), "2.9.3-rejoined": (3, 4),
    "2.9.3-worker-minimal": (2, 0), "2.60.0-token": (1, 0),
}  # fmt: skip
CORES = {"M1": 1, "M2": 2, "M3": 3, "M4": 4}


def cluster(folder: str) -> Cluster:
    nodes, usage, status = ray_replies(folder)
    return parse_ray_cluster(nodes, usage, status, "http://head:8265")


def test_samples_are_of_many_versions() -> None:
    assert len(SAMPLES) >= 23
    assert {folder.split("-")[0] for folder in SAMPLES} >= {"2.8.1", "2.9.3", "2.20.0", "2.44.1", "2.51.2", "2.60.0"}


@pytest.mark.parametrize("folder", SAMPLES)
def test_names_and_liveness_are_right(folder: str) -> None:
    nodes = cluster(folder).nodes
    alive, dead = LISTED.get(folder, (3, 0))
    assert (sum(node.alive for node in nodes), sum(not node.alive for node in nodes)) == (alive, dead)
    for node in nodes:
        assert node.name == f"M{node.ip.rpartition('.')[2]}"
        assert node.fields["isHeadNode"] is (node.name == "M1")
    assert len({node.name for node in nodes if node.alive}) == alive


@pytest.mark.parametrize("folder", SAMPLES)
def test_totals_are_the_sums_of_the_living_nodes(folder: str) -> None:
    found = cluster(folder)
    living = [node for node in found.nodes if node.alive]
    summary = found.data["summary"]
    assert summary["resources"]["cpu"]["total"] == sum(CORES[node.name] for node in living)
    assert summary["resources"]["gpu"]["total"] == (folder not in {"2.9.3-worker-minimal", "2.60.0-token"})
    assert summary["usageKnown"] is not folder.endswith("autoscaler-v2")
    for resource in summary["resources"].values():
        assert 0 <= resource["used"] <= resource["total"]
        assert resource["available"] == resource["total"] - resource["used"]


@pytest.mark.parametrize(("folder", "cores", "gpus"), [("2.10.0-load", 2.0, 0.5), ("2.51.2-load", 2.0, 0.5)])
def test_use_is_that_of_the_tasks(folder: str, cores: float, gpus: float) -> None:
    resources = cluster(folder).data["summary"]["resources"]
    assert (resources["cpu"]["used"], resources["gpu"]["used"]) == (cores, gpus)
    assert resources["memory"]["usedGB"] == 2.0


@pytest.mark.parametrize("folder", SAMPLES)
def test_gpu_without_a_figure_is_unknown(folder: str) -> None:
    for node in cluster(folder).nodes:
        has_figure = node.alive and node.name == "M2" and node.fields["usageKnown"]
        assert (node.fields["gpu"], node.fields["gpuKnown"]) == ((50.0, True) if has_figure else (0, False))


@pytest.mark.parametrize("folder", SAMPLES)
def test_cluster_is_json_with_numbers_in_every_figure(folder: str) -> None:
    for node in cluster(folder).nodes:
        json.dumps(node.fields, allow_nan=False)
        figures = [node.fields[key] for key in ("cpu", "memory", "gpu")] + list(node.fields["resources"].values())
        assert all(isinstance(figure, (int, float)) for figure in figures)


@pytest.mark.parametrize("folder", [folder for folder in SAMPLES if "rejoined" in folder])
def test_former_life_that_ray_still_lists_as_alive_is_dead(folder: str) -> None:
    """For seconds after an instant rejoin Ray lists both lives as alive, and has no report of the new one."""
    nodes, usage, status = ray_replies(folder)
    entries = nodes["data"]["result"]["result"]
    lives = {entry["node_id"]: entry for entry in entries if entry["node_ip"] == "127.0.25.3"}
    (new_id,) = (node_id for node_id, entry in lives.items() if entry["state"] == "ALIVE")
    for entry in lives.values():
        entry["state"] = "ALIVE"
    facts = node_facts(usage)
    for node_id in lives:
        # Ray reports the start of a node that it lists as alive; later versions clear it at the death.
        facts[node_id] = NodeFacts("vm", 1_700_000_000.0)
    facts.pop(new_id)
    usage["data"]["summary"] = [row for row in usage["data"]["summary"] if row["raylet"].get("nodeId") not in lives]
    found = parse_ray_cluster(nodes, usage, status, "http://head:8265", facts)
    assert [node.node_id for node in found.nodes if node.name == "M3" and node.alive] == [new_id]
