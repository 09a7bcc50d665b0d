"""Which entry of a node list is which machine: names, and who of several entries is the living one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from servicekit.node_names import Unnamed, name_nodes


class Entry(NamedTuple):
    """What tells nodes apart; `started_at` is in Unix seconds, 0 if unknown."""

    unnamed: Unnamed
    started_at: float


class ResolvedNode(NamedTuple):
    """A node's name, and whether it lives."""

    name: str
    is_alive: bool


def identify(entries: Sequence[Entry]) -> list[ResolvedNode]:
    """Return who each of `entries` is: no name stands for two living machines, no machine lives twice.

    The source takes a killed node for alive for some ten seconds, in which it may have rejoined already: of several
    living entries with one name and address only the one started last is alive.
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
