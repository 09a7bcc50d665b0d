"""What a node is called: Ray knows addresses, operators know M1 to M23."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from castray_bridge.probe import is_ip_literal
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


def candidates(labels: Mapping[str, Any], resources: Iterable[str], hostname: str) -> tuple[str, ...]:
    """Return what a node may be called, best first: label, custom resources, host name."""
    custom = sorted(name for name in resources if not _NOT_A_NAME.fullmatch(name))
    names = (safe_name(raw) for raw in (str(labels.get(NAME_LABEL) or ""), *custom, hostname))
    return tuple(name for name in names if name)


def shared_names(living: Iterable[tuple[str, Iterable[str]]]) -> frozenset[str]:
    """Return the candidates that several machines have: they tell a kind of node, not a node.

    `living` has the address and the candidates of each node that Ray takes for alive. For some ten seconds that is
    also one that died and has rejoined already: both are one machine, at one address.
    """
    holders: dict[str, set[str]] = {}
    for ip, names in living:
        for name in names:
            holders.setdefault(name, set()).add(ip)
    return frozenset(name for name, machines in holders.items() if len(machines) > 1)


def node_name(names: Sequence[str], shared: frozenset[str], ip: str) -> str:
    """Return the first of the candidates `names` that is the node's alone, else its address."""
    return next((name for name in names if name not in shared), safe_address(ip))


def safe_address(ip: str) -> str:
    """Return `ip` as it is if it is an address, else what a page may show of it."""
    return ip if is_ip_literal(ip) else safe_name(ip)
