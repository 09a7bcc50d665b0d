"""Node names: Ray identifies nodes by address, operators by names such as M1 to M23."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from servicekit.address import is_ip_literal
from servicekit.text import safe_name

NAME_LABEL: Final = "cmzsb.node"
"""The Ray label that gives a node its name."""
_NOT_A_NAME: Final = re.compile(
    r"[A-Z]{1,4}PU(-.*)?|FURIOSA|MBLT|RBLN|neuron_cores|(node|accelerator_type):.*"
    r"|memory|object_?store_?memory|Wired|Wireless"
    # What a placement group reserves: RESOURCE_group_[INDEX_]ID
    r"|.*_group_(\d+_)?[0-9a-f]{32,}",
    re.IGNORECASE,
)
"""Resources that Ray (accelerators of every vendor included) or the campus' conventions define.

Any other resource was given to tell nodes apart.
"""


class Unnamed(NamedTuple):
    """A node without a name. `tiers` are its candidate names by origin, the preferred origin first."""

    ip: str
    tiers: tuple[tuple[str, ...], ...]
    is_alive: bool = True


def candidates(
    labels: Mapping[str, Any], resources: Iterable[str], node_name: str, host_name: str
) -> tuple[tuple[str, ...], ...]:
    """Return a node's candidate names, the preferred first: Ray label, custom resources, node name, host name.

    `node_name` is that of `ray start --node-name`, which without the option is the node's address.
    """
    label = str(labels.get(NAME_LABEL) or "")
    given = "" if is_ip_literal(node_name) else node_name
    custom = sorted(name for name in resources if not _NOT_A_NAME.fullmatch(name))
    return tuple(tuple(filter(None, map(safe_name, tier))) for tier in ([label], custom, [given], [host_name]))


def name_nodes(nodes: Sequence[Unnamed]) -> list[str]:
    """Return the nodes' names: for each its first candidate that no other machine has, else its address.

    A candidate that several living machines have describes a kind of node, not a node. A candidate of a preferred
    origin takes the name before one of a later origin. Two nodes at one address are one machine, because Ray lists a
    node that died and rejoined as two living ones for about ten seconds.
    """
    names: dict[int, str] = {}
    owners: dict[str, str] = {}
    for tier in range(max((len(node.tiers) for node in nodes), default=0)):
        holders = _holders(nodes, tier)
        for index, (ip, tiers, is_alive) in enumerate(nodes):
            for name in tiers[tier] if index not in names else ():
                if len(holders.get(name, ())) <= 1 and (not is_alive or owners.setdefault(name, ip) == ip):
                    names[index] = name
                    break
    return [names.get(index) or safe_address(node.ip) for index, node in enumerate(nodes)]


def _holders(nodes: Sequence[Unnamed], tier: int) -> dict[str, set[str]]:
    """Return the addresses of the living machines by candidate of a tier."""
    holders: dict[str, set[str]] = {}
    for ip, tiers, is_alive in nodes:
        for name in tiers[tier] if is_alive else ():
            holders.setdefault(name, set()).add(ip)
    return holders


def safe_address(ip: str) -> str:
    """Return `ip` unchanged if it is an IP address, else reduced to the safe alphabet of names."""
    return ip if is_ip_literal(ip) else safe_name(ip)
