"""The registry of monitors, present and expected: for Prometheus' service discovery and for the probes.

Format of the groups: https://prometheus.io/docs/prometheus/latest/http_sd/
"""

from __future__ import annotations

import ipaddress
import math
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from castray_bridge.sources.cluster import Cluster, Node
from castray_bridge.sources.inventory import Expected
from servicekit.address import Address, is_ip_literal
from servicekit.clock import Clock

LOST_SECONDS: Final = 3600.0
"""How long a node stays listed after it left Ray, so that an alert on `up == 0` can fire."""


@dataclass(frozen=True, slots=True)
class Target:
    """A node's monitor; `present` tells whether the node is alive in Ray."""

    name: str
    address: Address
    present: bool


class _Machine(NamedTuple):
    """A node at an address: by its name alone, one of two machines with the same name would be hidden."""

    name: str
    address: Address


class _Resolved(NamedTuple):
    """A cluster with what follows of it and of the inventory."""

    cluster: Cluster
    addresses: tuple[Address | None, ...]
    living: frozenset[_Machine]
    labelled: Cluster


class TargetRegistry:
    """Keeps every node's monitor, those lost within the last hour included. Thread-safe."""

    def __init__(
        self, clock: Clock, monitor_port: int, inventory: Iterable[Expected] | Callable[[], Iterable[Expected]] = ()
    ) -> None:
        """`inventory`, if it is a function, is called for each new node list."""
        self._clock = clock
        self._monitor_port = monitor_port
        self._inventory = inventory if callable(inventory) else lambda: inventory
        self._expected = self._read_inventory()
        self._resolved: _Resolved | None = None
        self._lock = threading.Lock()
        self._living: frozenset[_Machine] = frozenset()
        self._lost: dict[_Machine, float] = {}
        """When each lost machine was last alive, in monotonic seconds."""

    def update(self, cluster: Cluster) -> tuple[Address | None, ...]:
        """Take over a new node list; return the address of each node's monitor, None for a node that is not probed."""
        now = self._clock.monotonic()
        resolved = self._resolve(cluster, self._read_inventory())
        living = resolved.living
        with self._lock:
            lost = self._died(cluster, now) | self._lost | dict.fromkeys(self._living - living, now)
            self._living = living
            self._lost = _without_ghosts({key: at for key, at in lost.items() if now - at < LOST_SECONDS}, living)
        return resolved.addresses

    def labelled(self, cluster: Cluster) -> Cluster:
        """Return `cluster` with the inventory's labels as `inventoryLabels` in the fields of its nodes.

        It is the same object as before for the same cluster and inventory.
        """
        return self._resolve(cluster, self._expected).labelled

    def targets(self) -> list[Target]:
        """Return the nodes of the inventory, the living ones and those lost within the last hour, by name."""
        with self._lock:
            found = [Target(*key, present=True) for key in self._living]
            found += [Target(*key, present=False) for key in self._lost]
        known = {node.name for node in found}
        found += [
            Target(name, self._address(name, node.ip), present=False)
            for name, node in self._expected.items()
            if name not in known
        ]
        return sorted(found, key=lambda node: (node.name, node.address))

    def target_groups(self) -> list[dict[str, Any]]:
        """Return Prometheus' target groups, one per node."""
        return [
            {
                "targets": [str(node.address)],
                "labels": {**self._labels(node.name), "node": node.name, "node_ip": node.address.host},
            }
            for node in self.targets()
        ]

    def _resolve(self, cluster: Cluster, expected: dict[str, Expected]) -> _Resolved:
        """Return what follows of `cluster` and the inventory, made anew when one of them has changed."""
        if self._resolved is None or self._resolved.cluster is not cluster or expected != self._expected:
            self._expected = expected
            addresses = tuple(self._address(node.name, node.ip) if _is_probed(node) else None for node in cluster.nodes)
            machines = zip(cluster.nodes, addresses, strict=True)
            living = frozenset(_Machine(node.name, address) for node, address in machines if address is not None)
            self._resolved = _Resolved(cluster, addresses, living, self._with_labels(cluster))
        return self._resolved

    def _with_labels(self, cluster: Cluster) -> Cluster:
        if not any(node.labels for node in self._expected.values()):
            return cluster
        nodes = tuple(
            replace(node, fields=node.fields | {"inventoryLabels": self._labels(node.name)}) for node in cluster.nodes
        )
        return replace(cluster, nodes=nodes)

    def _died(self, cluster: Cluster, now: float) -> dict[_Machine, float]:
        """Return the dead nodes with a known time of death: a bridge that just started has not seen them alive."""
        unix_now = self._clock.time()
        died: dict[_Machine, float] = {}
        for node in cluster.nodes:
            if node.ended_at is not None and not node.alive and _has_address(node):
                key = _Machine(node.name, self._address(node.name, node.ip))
                died[key] = max(died.get(key, -math.inf), now - max(0.0, unix_now - node.ended_at))
        return died

    def _read_inventory(self) -> dict[str, Expected]:
        return {node.name: node for node in self._inventory()}

    def _address(self, name: str, ip: str) -> Address:
        expected = self._expected.get(name)
        return Address(ip, (expected.monitor_port if expected else None) or self._monitor_port)

    def _labels(self, name: str) -> dict[str, str]:
        expected = self._expected.get(name)
        return dict(expected.labels) if expected else {}


def _without_ghosts(lost: dict[_Machine, float], living: Iterable[_Machine]) -> dict[_Machine, float]:
    """Leave out lost machines whose name or address belongs to a living machine, or to one lost later."""
    names, addresses = {key.name for key in living}, {key.address for key in living}
    kept: dict[_Machine, float] = {}
    for key, at in sorted(lost.items(), key=lambda item: item[1], reverse=True):
        if key.name not in names and key.address not in addresses:
            kept[key] = at
            names.add(key.name)
            addresses.add(key.address)
    return kept


def _is_probed(node: Node) -> bool:
    return node.alive and _has_address(node)


def _has_address(node: Node) -> bool:
    return _can_be_probed(node.ip)


@lru_cache(maxsize=16_384)  # the same addresses each second
def _can_be_probed(ip: str) -> bool:
    """Return whether the address can be probed: names are not looked up, and 0.0.0.0 would be the bridge itself."""
    if not is_ip_literal(ip):
        return False
    address = ipaddress.ip_address(ip)
    return not (address.is_unspecified or address.is_multicast or ip == "255.255.255.255")
