"""From each change of each node to its sight: how late viewers saw it, and which changes they missed."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

LATE_SECONDS: Final = 5.0
"""A change is missed by a viewer that has seen neither it nor a later one of that node within this time."""

Sight = tuple[int, int, float]
"""Number of the node, counted from 1, number of its change, and when that was first seen, in monotonic seconds."""


class Sights(NamedTuple):
    """What viewers saw of the changes of a time: over all of these viewers."""

    late: list[float]
    """Milliseconds from a change to the first sight of it or of a later one of that node; without the missed ones."""
    missed: int
    superseded: int
    """Changes of which only a later one was seen, because the node had changed again before a message was made."""


def follow(
    changed_at: Mapping[str, Sequence[float]], viewers: Iterable[Sequence[Sight]], begin: float, end: float
) -> Sights:
    """Return what `viewers` saw of the changes from `begin` to `end`; `changed_at` tells when each node changed.

    The viewers have to watch for `LATE_SECONDS` beyond `end`.
    """
    late: list[float] = []
    missed = superseded = 0
    for sights in viewers:
        by_node: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for node, change, seen in sights:
            by_node[f"M{node}"].append((change, seen))
        for name, times in changed_at.items():
            seen_changes = sorted(by_node[name])
            for change, at in enumerate(times, start=1):
                if not begin <= at < end:
                    continue
                first = bisect_left(seen_changes, (change, 0.0))
                if first == len(seen_changes) or seen_changes[first][1] - at > LATE_SECONDS:
                    missed += 1
                    continue
                superseded += seen_changes[first][0] != change
                late.append(1000 * (seen_changes[first][1] - at))
    return Sights(sorted(late), missed, superseded)
