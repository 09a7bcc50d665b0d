"""Rows of the controller's report."""

from __future__ import annotations

from deploy.check import HEALTHY, STARTING, Check
from deploy.nodes import RayNode
from deploy.report import Reporter
from deploy.rollout import NodeRollout
from testkit.clocks import ManualClock


def rollout(name: str, check: Check, release: str | None = "new") -> NodeRollout:
    return NodeRollout(RayNode(f"id-{name}", f"10.0.0.{name[1:]}", name, False), release, check, 0.0)


def test_row_says_what_runs_since_when_and_whether_it_was_ordered() -> None:
    clock = ManualClock(wall=1000.0)
    rows = Reporter("new", clock).rows(
        [rollout("M1", Check(HEALTHY, "", "1.0.0", 50.0, "3.9.18")), rollout("M2", Check(STARTING), "old")]
    )
    assert rows == [
        {
            "node": "M1",
            "ip": "10.0.0.1",
            "version": "1.0.0",
            "python": "3.9.18",
            "health": "healthy",
            "detail": "",
            "since": 950.0,
            "current": True,
        },
        {
            "node": "M2",
            "ip": "10.0.0.2",
            "version": "",
            "python": "",
            "health": "starting",
            "detail": "",
            "since": 1000.0,
            "current": False,
        },
    ]


def test_since_is_the_time_of_the_last_change() -> None:
    clock = ManualClock(wall=1000.0)
    reporter = Reporter("new", clock)
    since = []
    for check in (Check(STARTING), Check(STARTING), Check("failing", "timeout"), Check("failing", "refused")):
        since.append(reporter.rows([rollout("M1", check)])[0]["since"])
        clock.pass_(10)
    assert since == [1000.0, 1000.0, 1020.0, 1020.0]


def test_node_that_is_gone_is_listed_as_lost_until_it_is_back() -> None:
    reporter = Reporter("new", ManualClock())
    both = [rollout("M1", Check(HEALTHY)), rollout("M2", Check(HEALTHY))]
    reporter.rows(both)
    lost = reporter.rows(both[:1])[1]
    assert (lost["node"], lost["ip"], lost["health"], lost["current"]) == ("M2", "10.0.0.2", "lost", False)
    assert [row["health"] for row in reporter.rows(both)] == ["healthy", "healthy"]
