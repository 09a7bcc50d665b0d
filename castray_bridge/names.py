"""What a node is called: Ray knows addresses, operators know M1 to M23."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from servicekit.text import safe_name

NAME_LABEL: Final = "cmzsb.node"
"""The Ray label that gives a node its name."""
_NOT_A_NAME: Final = re.compile(
    r"CPU|GPU|TPU|memory|object_?store_?memory|Wired|Wireless|(node|accelerator_type):.*"
    r"|(CPU|GPU|memory|bundle|.*)_group_.*",
    re.IGNORECASE,
)
"""Resources that Ray itself or the campus' conventions define; what is left was given to tell nodes apart."""


def node_name(labels: Mapping[str, Any], resources: Iterable[str], hostname: str, ip: str) -> str:
    """Return the node's name: label, else custom resource, else host name, else address."""
    custom = sorted(name for name in resources if not _NOT_A_NAME.fullmatch(name))
    for candidate in (str(labels.get(NAME_LABEL) or ""), *custom, hostname):
        name = safe_name(candidate)
        if name:
            return name
    return ip


def shared_resources(living: Iterable[tuple[str, Iterable[str]]]) -> frozenset[str]:
    """Return the resources that several machines have: they tell a kind of node, not a node.

    `living` has the address and the resources of each node that Ray takes for alive. For some ten seconds that is also
    one that died and has rejoined already: both are one machine, at one address.
    """
    holders: dict[str, set[str]] = {}
    for ip, resources in living:
        for name in resources:
            holders.setdefault(name, set()).add(ip)
    return frozenset(name for name, machines in holders.items() if len(machines) > 1)
