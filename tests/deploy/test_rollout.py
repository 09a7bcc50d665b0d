"""The next step of a rollout."""

from __future__ import annotations

import pytest

from deploy.check import FAILING, HEALTHY, STARTING, UNREACHABLE, Check
from deploy.nodes import RayNode
from deploy.rollout import DONE, HALTED, WORKING, Decision, NodeRollout, decide

NOW, OLD = "now", "old"
TIMEOUT = 60.0


def rollouts(*states: tuple[str | None, str, float]) -> list[NodeRollout]:
    """Return a node per `(release, health, trouble)`, of nodes M1, M2, …"""
    return [
        NodeRollout(
            RayNode(f"id{number}", f"10.0.0.{number}", f"M{number}", number == 1), release, Check(health), trouble
        )
        for number, (release, health, trouble) in enumerate(states, 1)
    ]


def gist(decision: Decision) -> tuple[list[str], str | None, str | None, str]:
    return (
        [node.name for node in decision.start],
        decision.replace.name if decision.replace else None,
        decision.failed.node.name if decision.failed else None,
        decision.phase,
    )


GOOD = (NOW, HEALTHY, 0.0)
OUTDATED = (OLD, HEALTHY, 0.0)
NONE = (None, STARTING, 0.0)


@pytest.mark.parametrize(
    ("states", "wanted"),
    [
        ([], ([], None, None, DONE)),
        ([GOOD, GOOD], ([], None, None, DONE)),
        ([NONE, GOOD, NONE], (["M1", "M3"], None, None, WORKING)),
        ([OUTDATED, OUTDATED], ([], "M1", None, WORKING)),
        ([GOOD, OUTDATED], ([], "M2", None, WORKING)),
        ([OUTDATED, NONE], (["M2"], "M1", None, WORKING)),
        ([(NOW, STARTING, 5.0), OUTDATED], ([], None, None, WORKING)),
        ([(NOW, FAILING, 5.0), OUTDATED], ([], None, None, WORKING)),
        ([(NOW, FAILING, 61.0), OUTDATED], ([], None, "M1", HALTED)),
        ([(NOW, STARTING, 61.0), OUTDATED], ([], None, "M1", HALTED)),
        ([(NOW, FAILING, 61.0), OUTDATED, NONE], (["M3"], None, "M1", HALTED)),
        ([(NOW, FAILING, 61.0), GOOD], ([], None, None, DONE)),
        ([(OLD, FAILING, 61.0), GOOD], ([], "M1", None, WORKING)),
        ([(OLD, UNREACHABLE, 5.0), GOOD], ([], None, None, WORKING)),
        ([(OLD, UNREACHABLE, 61.0), GOOD], ([], None, None, DONE)),
        ([(OLD, UNREACHABLE, 5.0), OUTDATED], ([], "M2", None, WORKING)),
        ([(NOW, UNREACHABLE, 61.0), OUTDATED], ([], "M2", None, WORKING)),
    ],
)
def test_next_step(
    states: list[tuple[str | None, str, float]], wanted: tuple[list[str], str | None, str | None, str]
) -> None:
    assert gist(decide(rollouts(*states), NOW, TIMEOUT, halted=False)) == wanted


def test_what_stopped_stays_stopped_when_the_node_recovers_by_itself() -> None:
    assert gist(decide(rollouts(GOOD, OUTDATED), NOW, TIMEOUT, halted=True)) == ([], None, None, HALTED)
    assert gist(decide(rollouts(GOOD, GOOD), NOW, TIMEOUT, halted=True)) == ([], None, None, DONE)
