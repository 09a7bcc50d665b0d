"""Which monitors there are and should be: Prometheus' service discovery, and where the pool asks.

Format of the groups: https://prometheus.io/docs/prometheus/latest/http_sd/
"""

from __future__ import annotations

import ipaddress
import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from castray_bridge.sources.cluster import Cluster, Node
from castray_bridge.sources.inventory import Expected
from servicekit.address import Address, is_ip_literal
from servicekit.clock import Clock

LOST_SECONDS: Final = 3600.0
"""How long a node stays listed after Ray lost it, so that `up == 0` can be noticed."""


@dataclass(frozen=True, slots=True)
class Target:
    """A node that is or should be there."""

    name: str
    address: Address
    present: bool


class _Key(NamedTuple):
    """A machine: its name alone would hide one of two that have the same."""

    name: str
    address: Address


class TargetRegistry:
    """Remembers every node's monitor. Thread-safe."""

    def __init__(self, clock: Clock, monitor_port: int, inventory: Iterable[Expected] = ()) -> None:
        self._clock = clock
        self._monitor_port = monitor_port
        self._expected = {node.name: node for node in inventory}
        self._lock = threading.Lock()
        self._living: frozenset[_Key] = frozenset()
        self._lost: dict[_Key, float] = {}
        """When each lost one was seen last, in monotonic seconds."""

    def update(self, cluster: Cluster) -> tuple[Address | None, ...]:
        """Take in a fresh node list; return where the monitor of each of its nodes is asked, None for not at all."""
        now = self._clock.monotonic()
        addresses = tuple(self._address(node.name, node.ip) if _is_asked(node) else None for node in cluster.nodes)
        living = frozenset(
            _Key(node.name, address)
            for node, address in zip(cluster.nodes, addresses, strict=True)
            if address is not None
        )
        with self._lock:
            lost = self._died(cluster, now) | self._lost | dict.fromkeys(self._living - living, now)
            self._living = living
            self._lost = _without_ghosts({key: at for key, at in lost.items() if now - at < LOST_SECONDS}, living)
        return addresses

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

    def _died(self, cluster: Cluster, now: float) -> dict[_Key, float]:
        """Return the dead nodes whose time of death the source knows: whoever starts now has not seen them alive."""
        unix_now = self._clock.time()
        died: dict[_Key, float] = {}
        for node in cluster.nodes:
            if node.ended_at is not None and not node.alive and _has_address(node):
                key = _Key(node.name, self._address(node.name, node.ip))
                died[key] = max(died.get(key, -math.inf), now - max(0.0, unix_now - node.ended_at))
        return died

    def _address(self, name: str, ip: str) -> Address:
        expected = self._expected.get(name)
        return Address(ip, (expected.monitor_port if expected else None) or self._monitor_port)

    def _labels(self, name: str) -> dict[str, str]:
        expected = self._expected.get(name)
        return dict(expected.labels) if expected else {}


def _without_ghosts(lost: dict[_Key, float], living: Iterable[_Key]) -> dict[_Key, float]:
    """Leave out lost nodes whose name lives, or was lost, elsewhere since, and those whose address another has now."""
    names, addresses = {key.name for key in living}, {key.address for key in living}
    kept: dict[_Key, float] = {}
    for key, at in sorted(lost.items(), key=lambda item: item[1], reverse=True):
        if key.name not in names and key.address not in addresses:
            kept[key] = at
            names.add(key.name)
            addresses.add(key.address)
    return kept


def _is_asked(node: Node) -> bool:
    return node.alive and _has_address(node)


def _has_address(node: Node) -> bool:
    """Return whether the node's address is one of a machine: names are not looked up, 0.0.0.0 would be the bridge."""
    if not is_ip_literal(node.ip):
        return False
    address = ipaddress.ip_address(node.ip)
    return not (address.is_unspecified or address.is_multicast or node.ip == "255.255.255.255")
