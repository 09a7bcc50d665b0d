"""The cluster as its source describes it, without work status: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """One entry of the cluster's node list.

    `fields` is CastRay's node object without the work status: built from Ray's replies, or passed through from an
    existing CastRay with all its fields. `ended_at` is when a dead node died, in Unix seconds, if known.
    """

    node_id: str
    ip: str
    name: str
    alive: bool
    fields: dict[str, Any]
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """The whole list. `data` and `envelope` are the members of CastRay's reply beside the nodes and beside `data`.

    In `data` that is `summary`, `result`, `dashboardUrl`.
    """

    nodes: tuple[Node, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    envelope: dict[str, Any] = field(default_factory=dict)


class SourceError(Exception):
    """The source of nodes gave no usable reply; the message says why, for the log and for viewers."""
