"""Which monitors there are and should be: Prometheus' service discovery, and where the pool asks.

Format of the groups: https://prometheus.io/docs/prometheus/latest/http_sd/
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from castray_bridge.cluster import Cluster
from castray_bridge.inventory import Expected
from castray_bridge.probe import Address
from servicekit.clock import Clock

LOST_SECONDS: Final = 3600.0
"""How long a node stays listed after Ray lost it, so that `up == 0` can be noticed."""


@dataclass(frozen=True, slots=True)
class Presence:
    """A node that is or should be there."""

    name: str
    address: Address
    present: bool


@dataclass(slots=True)
class _Seen:
    address: Address
    at: float
    alive: bool = True


class Directory:
    """Remembers every node's monitor by the node's name. Thread-safe."""

    def __init__(self, clock: Clock, monitor_port: int, inventory: Iterable[Expected] = ()) -> None:
        self._clock = clock
        self._monitor_port = monitor_port
        self._expected = {node.name: node for node in inventory}
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}

    def update(self, cluster: Cluster) -> dict[str, Address]:
        """Take in a fresh node list; return the living nodes' monitors by node id."""
        now = self._clock.monotonic()
        living = {node.node_id: (node.name, self._address(node.name, node.ip)) for node in cluster.nodes if node.alive}
        with self._lock:
            for seen in self._seen.values():
                seen.alive = False
            for name, address in living.values():
                self._seen[name] = _Seen(address, now)
            taken = {address for _, address in living.values()}
            self._seen = {
                name: seen
                for name, seen in self._seen.items()
                # An address that another node has now is no ghost's.
                if seen.alive or (now - seen.at < LOST_SECONDS and seen.address not in taken)
            }
        return {node_id: address for node_id, (_, address) in living.items()}

    def presences(self) -> list[Presence]:
        """Return the nodes of the inventory, the living ones and those lost within the last hour, by name."""
        with self._lock:
            found = {name: Presence(name, seen.address, seen.alive) for name, seen in self._seen.items()}
        for name, node in self._expected.items():
            found.setdefault(name, Presence(name, self._address(name, node.ip), present=False))
        return [found[name] for name in sorted(found)]

    def groups(self) -> list[dict[str, Any]]:
        """Return Prometheus' target groups, one per node."""
        return [
            {
                "targets": [str(node.address)],
                "labels": {**self._labels(node.name), "node": node.name, "node_ip": node.address.ip},
            }
            for node in self.presences()
        ]

    def _address(self, name: str, ip: str) -> Address:
        expected = self._expected.get(name)
        return Address(ip, (expected.monitor_port if expected else None) or self._monitor_port)

    def _labels(self, name: str) -> dict[str, str]:
        expected = self._expected.get(name)
        return dict(expected.labels) if expected else {}
