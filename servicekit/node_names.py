"""What a node is called: Ray knows addresses, operators know M1 to M23."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from servicekit.address import is_ip_literal
from servicekit.text import safe_name

NAME_LABEL: Final = "cmzsb.node"
"""The Ray label that gives a node its name."""
_NOT_A_NAME: Final = re.compile(
    r"CPU|GPU|TPU|memory|object_?store_?memory|Wired|Wireless|(node|accelerator_type):.*"
    # What a placement group reserves: RESOURCE_group_[INDEX_]ID
    r"|.*_group_(\d+_)?[0-9a-f]{32,}",
    re.IGNORECASE,
)
"""Resources that Ray itself or the campus' conventions define; what is left was given to tell nodes apart."""


class Unnamed(NamedTuple):
    """A node before it has a name. `tiers` are what it may be called, best first, by where that comes from."""

    ip: str
    tiers: tuple[tuple[str, ...], ...]
    is_alive: bool = True


def candidates(labels: Mapping[str, Any], resources: Iterable[str], host_name: str) -> tuple[tuple[str, ...], ...]:
    """Return what a node may be called, best first: by its label, its custom resources, its host name."""
    label = str(labels.get(NAME_LABEL) or "")
    custom = sorted(name for name in resources if not _NOT_A_NAME.fullmatch(name))
    return tuple(tuple(filter(None, map(safe_name, tier))) for tier in ([label], custom, [host_name]))


def name_nodes(nodes: Sequence[Unnamed]) -> list[str]:
    """Return the nodes' names: of each the first candidate that is its machine's alone, else its address.

    What several living machines have tells a kind of node, not a node; what a better candidate of another machine is
    already is taken. Two nodes at one address are one machine: for some ten seconds Ray takes one that died and has
    rejoined for two living ones.
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
    """Return the addresses of the living machines that have each candidate of a tier."""
    holders: dict[str, set[str]] = {}
    for ip, tiers, is_alive in nodes:
        for name in tiers[tier] if is_alive else ():
            holders.setdefault(name, set()).add(ip)
    return holders


def safe_address(ip: str) -> str:
    """Return `ip` as it is if it is an address, else what a page may show of it."""
    return ip if is_ip_literal(ip) else safe_name(ip)
