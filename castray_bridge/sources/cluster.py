"""The cluster as its source describes it, before any work status: plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Node:
    """One entry of the cluster's node list.

    `fields` is CastRay's node object without the work status: built from Ray's answers, or passed through from
    an existing CastRay with whatever else it holds. `ended_at` is when a dead node died, in Unix seconds, if known.
    """

    node_id: str
    ip: str
    name: str
    alive: bool
    fields: dict[str, Any]
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Cluster:
    """The whole list. `data` and `envelope` are what CastRay's reply holds beside the nodes, inside `data` and around.

    In `data` that is `summary`, `result`, `dashboardUrl`.
    """

    nodes: tuple[Node, ...] = ()
    data: dict[str, Any] = field(default_factory=dict)
    envelope: dict[str, Any] = field(default_factory=dict)


class SourceError(Exception):
    """The source of nodes gave no usable answer; the message says why, for the log and for viewers."""
