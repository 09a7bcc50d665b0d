"""Names of the entries of a node list, and which of several entries of one machine is alive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from servicekit.node_names import Unnamed, name_nodes


class ListedNode(NamedTuple):
    """One entry of a node list; `started_at` is in Unix seconds, 0 if unknown."""

    unnamed: Unnamed
    started_at: float


class ResolvedNode(NamedTuple):
    """A node's name, and whether it is alive."""

    name: str
    is_alive: bool


def resolve_nodes(entries: Sequence[ListedNode]) -> list[ResolvedNode]:
    """Return names and liveness of `entries`: one living entry per machine, one machine per living name.

    Ray lists a killed node as alive for about ten seconds, within which it may have rejoined: of several living
    entries with one name and address only the one started last is alive.
    """
    names = name_nodes([entry.unnamed for entry in entries])
    latest: dict[tuple[str, str], int] = {}
    for index, (name, entry) in enumerate(zip(names, entries, strict=True)):
        if entry.unnamed.is_alive:
            known = latest.setdefault((name, entry.unnamed.ip), index)
            if entry.started_at >= entries[known].started_at:
                latest[name, entry.unnamed.ip] = index
    living = set(latest.values())
    return [ResolvedNode(name, index in living) for index, name in enumerate(names)]
