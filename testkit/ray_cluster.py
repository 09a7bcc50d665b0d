"""A real Ray cluster of several nodes on this machine, each with its own loopback address."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

OBJECT_STORE_BYTES = 80 * 1024 * 1024
"""Smallest object store that Ray accepts without complaint; nothing is stored in it here."""


class NodeSpec(NamedTuple):
    """A node to start: its name, announced to Ray as a custom resource, and its address."""

    name: str
    ip: str


def node_specs(count: int) -> list[NodeSpec]:
    """Return `count` nodes M1, M2, … at 127.0.0.1, 127.0.0.2, …; the first is the head."""
    return [NodeSpec(f"M{number}", f"127.0.0.{number}") for number in range(1, count + 1)]


class RayCluster:
    """A head with the dashboard, plus workers. `close()` ends every process of it.

    `directory` takes Ray's session files; keep its path short, for Ray puts Unix sockets into it (107 bytes).
    """

    def __init__(self, directory: Path, dashboard_port: int, client_port: int | None = None) -> None:
        """`client_port`: where the head lets programs from outside the cluster in, as `ray://`."""
        self.directory = directory
        self._client_port = client_port
        self.dashboard_url = f"http://127.0.0.1:{dashboard_port}"
        self._dashboard_port = dashboard_port
        self._cluster: Any = None
        self._nodes: dict[str, Any] = {}

    @property
    def address(self) -> str:
        """`HOST:PORT` of the head's global control store, as `ray.init(address=…)` takes it."""
        return str(self._cluster.address)

    @property
    def names(self) -> frozenset[str]:
        """Names of the nodes that run."""
        return frozenset(self._nodes)

    def start(self, specs: Sequence[NodeSpec], on_node: Callable[[NodeSpec], None] = lambda spec: None) -> None:
        """Start the head (the first of `specs`) and the workers; calls `on_node` as each is alive."""
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        # Otherwise a cluster that the user runs would be replaced as the machine's "current" one.
        os.environ["RAY_TMPDIR"] = str(self.directory)
        from ray.cluster_utils import Cluster

        self._cluster = Cluster(shutdown_at_exit=True)
        for spec in specs:
            self.add(spec)
            on_node(spec)

    def add(self, spec: NodeSpec, labels: dict[str, str] | None = None) -> None:
        """Let a node join (the first one ever is the head). Also one that was killed, under its old address."""
        head: dict[str, Any] = {}
        if self._cluster.head_node is None:
            head = {
                "include_dashboard": True,
                "dashboard_host": "127.0.0.1",
                "dashboard_port": self._dashboard_port,
                "ray_client_server_port": self._client_port,
            }
        self._nodes[spec.name] = self._cluster.add_node(
            node_ip_address=spec.ip,
            num_cpus=1,
            resources={spec.name: 1},
            labels=labels,
            object_store_memory=OBJECT_STORE_BYTES,
            **head,
        )

    def kill(self, name: str) -> None:
        """Take a worker away as a power cut would."""
        self._cluster.remove_node(self._nodes.pop(name), allow_graceful=False)

    def close(self) -> None:
        """End the cluster; harmless when it never started."""
        if self._cluster is not None:
            self._cluster.shutdown()
            self._cluster = None
