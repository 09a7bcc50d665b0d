"""Sources of nodes for tests."""

from __future__ import annotations

from typing import Any

from castray_bridge.sources import ray_nodes
from castray_bridge.sources.cluster import Cluster, Node, SourceError
from testkit.samples import sample


class StillSource:
    """Gives what it is told; `failure` set, it fails with that."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.failure: str | None = None

    def fetch(self) -> Cluster:
        if self.failure is not None:
            raise SourceError(self.failure)
        return self.cluster


def sample_cluster() -> Cluster:
    """Return the cluster of the samples: M1, M2, M3, and a dead twin of M3."""
    replies = (sample("ray_api_v0_nodes"), sample("ray_nodes_summary"), sample("ray_cluster_status"))
    return ray_nodes.parse_ray_cluster(*replies, "http://head:8265")


def node(
    name: str, ip: str, *, alive: bool = True, node_id: str | None = None, ended_at: float | None = None, **fields: Any
) -> Node:
    """Return a node with hardly any fields."""
    node_id = f"id-{name}" if node_id is None else node_id
    given = {"name": name, "nodeIp": ip, "state": "ALIVE" if alive else "DEAD"}
    return Node(node_id, ip, name, alive, given | fields, ended_at)
