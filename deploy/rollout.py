"""What to do next, decided from what is seen alone: a keeper that starts anew decides the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from deploy.check import HEALTHY, UNREACHABLE, Check
from deploy.nodes import RayNode

WORKING: Final = "working"
HALTED: Final = "halted"
DONE: Final = "done"


class NodeRollout(NamedTuple):
    """A living node: the release that its monitor's actor has (None: no actor), how it is, and for how many seconds
    it has not been healthy."""

    node: RayNode
    release: str | None
    check: Check
    trouble: float


class Decision(NamedTuple):
    """Nodes that get their first monitor, the node whose monitor is replaced, and how far things are.

    `failed` names the node because of which replacing has to stop.
    """

    start: tuple[RayNode, ...]
    replace: RayNode | None
    failed: NodeRollout | None
    phase: str


def decide(views: Sequence[NodeRollout], release: str, patience: float, halted: bool) -> Decision:
    """Return the next step towards `release` on all nodes.

    A node without a monitor gets one at once. A monitor of another release is replaced only while every monitor of
    this release is healthy, so that there is never more than one in the air; one that is not healthy for `patience`
    seconds ends it. A node that cannot be reached at all holds up nobody.
    """
    start = tuple(view.node for view in views if view.release is None)
    ours = [view for view in views if view.release == release and view.check.health != HEALTHY]
    pending = [view for view in ours if view.trouble < patience]
    failed = next((view for view in ours if view not in pending and view.check.health != UNREACHABLE), None)
    outdated = [view for view in views if view.release not in (None, release)]
    reachable = [view for view in outdated if view.check.health != UNREACHABLE]
    waited_for = [view for view in outdated if view.check.health == UNREACHABLE and view.trouble < patience]
    if reachable and (halted or failed):
        return Decision(start, None, failed, HALTED)
    replace = reachable[0].node if reachable and not pending else None
    busy = start or reachable or pending or waited_for
    return Decision(start, replace, None, WORKING if busy else DONE)
