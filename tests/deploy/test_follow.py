"""What the operator sees of a rollout."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from deploy.follow import follow, raise_unless_healthy
from deploy.rollout import DONE, HALTED, WORKING
from servicekit.errors import StartError
from testkit.clocks import ManualClock


def row(node: str, health: str, detail: str = "", version: str = "", current: bool = True) -> dict[str, Any]:
    return {
        "node": node,
        "ip": "10.0.0.1",
        "version": version,
        "python": "3.9.18",
        "health": health,
        "detail": detail,
        "current": current,
    }


def report(phase: str, *rows: dict[str, Any], reason: str = "") -> dict[str, Any]:
    return {"phase": phase, "reason": reason, "nodes": list(rows)}


def shown(reports: Iterable[dict[str, Any] | None], timeout: float = 60.0) -> None:
    clock = ManualClock()
    read: Callable[[], dict[str, Any] | None] = iter(reports).__next__
    follow("en", "2.0.0", timeout, read, clock.monotonic, clock.pass_)


def test_each_change_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    healthy = row("M1", "healthy", version="2.0.0")
    shown(
        [
            None,
            report(WORKING, row("M1", "starting"), row("M2", "healthy", version="1.0.0", current=False)),
            report(WORKING, row("M1", "starting"), row("M2", "healthy", version="1.0.0", current=False)),
            report(WORKING, healthy, row("M2", "failing", "timeout")),
            report(DONE, healthy, row("M2", "healthy", version="2.0.0")),
        ]
    )
    assert capsys.readouterr().out.splitlines() == [
        "[0/2] M1 (10.0.0.1): starting",
        "[0/2] M2 (10.0.0.1): healthy 1.0.0",
        "[1/2] M1 (10.0.0.1): healthy 2.0.0",
        "[1/2] M2 (10.0.0.1): failing (timeout)",
        "[2/2] M2 (10.0.0.1): healthy 2.0.0",
        "version 2.0.0 runs on 2 nodes (Python 3.9.18)",
    ]


def test_rollout_without_progress_is_given_up() -> None:
    with pytest.raises(StartError, match="no progress for 50 s; the controller goes on: see --status"):
        shown(iter(lambda: report(WORKING, row("M1", "starting")), None), timeout=10)


@pytest.mark.parametrize(
    ("seen", "error"),
    [
        (report(HALTED, row("M1", "failing"), reason="M1: no"), "the rollout stopped, .*: M1: no"),
        (
            report(DONE, row("M1", "healthy"), row("M2", "lost")),
            r"1 of 2 nodes without a healthy monitor: M2 \(node lost\)",
        ),
        (report(DONE, row("M1", "failing", "timeout")), r"1 of 1 nodes without a healthy monitor: M1 \(timeout\)"),
        (report(DONE, row("M1", "healthy", current=False)), r"1 of 1 .*: M1 \(healthy\)"),
    ],
)
def test_rollout_that_ends_badly_is_an_error(seen: dict[str, Any], error: str) -> None:
    with pytest.raises(StartError, match=error):
        raise_unless_healthy("en", seen)


def test_outdated_monitor_is_no_error_while_the_rollout_goes_on() -> None:
    raise_unless_healthy("en", report(WORKING, row("M1", "healthy", current=False)))
