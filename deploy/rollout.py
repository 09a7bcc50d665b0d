"""The next step of a rollout, decided from the observed nodes alone: a restarted controller decides the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from deploy.check import HEALTHY, UNREACHABLE, Check
from deploy.nodes import RayNode

WORKING: Final = "working"
HALTED: Final = "halted"
DONE: Final = "done"


class NodeRollout(NamedTuple):
    """A living node: the release of its monitor's actor (None: no actor), its health, and for how many seconds it
    has not been healthy."""

    node: RayNode
    release: str | None
    check: Check
    trouble: float


class Decision(NamedTuple):
    """Nodes that get their first monitor, the node whose monitor is replaced, and the phase of the rollout.

    `failed` is the node because of which the rollout stops.
    """

    start: tuple[RayNode, ...]
    replace: RayNode | None
    failed: NodeRollout | None
    phase: str


def decide(nodes: Sequence[NodeRollout], release: str, timeout: float, halted: bool) -> Decision:
    """Return the next step towards `release` on all nodes.

    A node without a monitor gets one at once. A monitor of another release is replaced only while every monitor of
    this release is healthy, so that at most one is being replaced; one that is not healthy for `timeout` seconds
    stops the rollout. A node that does not answer at all delays no other node.
    """
    start = tuple(one.node for one in nodes if one.release is None)
    unhealthy = [one for one in nodes if one.release == release and one.check.health != HEALTHY]
    pending = [one for one in unhealthy if one.trouble < timeout]
    failed = next((one for one in unhealthy if one not in pending and one.check.health != UNREACHABLE), None)
    outdated = [one for one in nodes if one.release not in (None, release)]
    reachable = [one for one in outdated if one.check.health != UNREACHABLE]
    awaited = [one for one in outdated if one.check.health == UNREACHABLE and one.trouble < timeout]
    if reachable and (halted or failed):
        return Decision(start, None, failed, HALTED)
    replace = reachable[0].node if reachable and not pending else None
    busy = start or reachable or pending or awaited
    return Decision(start, replace, None, WORKING if busy else DONE)
