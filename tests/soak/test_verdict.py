"""The soak's verdict sees what was lost, stuck, silent or leaked, and a watch that did not look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.soak import verdict
from tests.soak.faults import Absence
from tests.soak.watch import Drift, Watch

BEGUN, ENDED = 1000.0, 1060.0


def script(done: int, unsure: int = 0, failure: BaseException | None = None) -> Any:
    counts = {"processed": done, "low_confidence": 0, "sent_to_server": 0}
    return SimpleNamespace(ledger=SimpleNamespace(done=counts, unsure=unsure), failure=failure)


def world(processed: int, node: dict[str, Any] | None = None) -> Any:
    stats = {"total_processed": processed, "low_confidence_count": 0, "sent_to_server": 0}
    monitor = SimpleNamespace(stats=lambda: stats, status=lambda: {"status": "idle"}, resources=dict)
    bridge = SimpleNamespace(nodes=lambda: {"M1": node} if node else {})
    return SimpleNamespace(monitors={"M1": monitor}, bridge=bridge)


@pytest.mark.parametrize(
    ("counted", "unsure", "failure", "kept"),
    [(7, 0, None, True), (6, 0, None, False), (8, 0, None, False), (8, 1, None, True), (7, 0, ValueError(), False)],
)
def test_counts_lost_or_twice_are_seen(counted: int, unsure: int, failure: BaseException | None, kept: bool) -> None:
    (line,) = verdict.counts(world(counted), {"M1": script(7, unsure, failure)})
    assert line.kept is kept


@pytest.mark.parametrize(
    ("node", "stuck"),
    [
        ({"workStatus": "idle", "workStatusReachable": True}, False),
        ({"workStatus": "sending", "workStatusReachable": True}, True),
        ({"workStatus": "idle", "workStatusReachable": False}, True),
        (None, True),
    ],
)
def test_light_that_is_wrong_or_missing_for_long_is_stuck(
    monkeypatch: pytest.MonkeyPatch, node: dict[str, Any] | None, stuck: bool
) -> None:
    watch = Watch(world(0, node))
    for now in (0.0, 5.0, 11.0):
        monkeypatch.setattr("tests.soak.watch.time.monotonic", lambda now=now: now)
        watch._look("M1")
    assert bool(watch.stuck) is stuck
    assert watch.looks == 3


def test_watch_that_hardly_looked_breaks_the_promise() -> None:
    watch = Watch(world(0, {"workStatus": "idle", "workStatusReachable": True, "workStatusError": None}))
    watch.looks = 10
    assert not next(verdict.lights(world(0, watch._world.bridge.nodes()["M1"]), watch, 60.0)).kept


def test_too_few_slopes_are_a_broken_promise() -> None:
    drifts = [Drift("bridge", what, 0.0, 0.0, 1.0) for what in ("threads", "descriptors", "megabytes")]
    assert [line.kept for line in verdict.leaks(drifts, services=1)] == [True] * 3
    assert not all(line.kept for line in verdict.leaks(drifts, services=2))
    assert not all(line.kept for line in verdict.leaks([drifts[0]._replace(grown=9.0), *drifts[1:]], services=1))


@pytest.mark.parametrize(
    ("heard", "absences", "kept"),
    [
        ([1000.0 + 3 * number for number in range(21)], [], True),
        ([1000.0, 1003.0, 1057.0], [], False),
        ([1000.0, 1003.0, 1057.0], [Absence("bridge", 1004.0, 1050.0)], True),
        ([1000.0, 1003.0, 1057.0], [Absence("M1", 1004.0, 1050.0)], False),
        ([], [], False),
    ],
)
def test_silence_counts_while_the_bridge_is_there(heard: list[float], absences: list[Absence], kept: bool) -> None:
    (line,) = verdict.viewers([heard], absences, BEGUN, ENDED)
    assert line.kept is kept
