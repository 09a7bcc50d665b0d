"""Restarts: what continues, and for how long."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.report import Totals
from exporter.status.resume import CHECKPOINT_SECONDS, HELD_SECONDS
from testkit.per_state import per_state
from testkit.status_kit import Bench


def test_a_restart_goes_on_with_everything(bench: Bench) -> None:
    bench.report("detecting", inference_seconds=[0.031], session="s", sequence=1, totals={"processed": 4})
    bench.clock.pass_(10.0)
    bench.status.close()
    before = bench.view
    bench.restart()
    after = bench.view
    assert after.version > before.version
    for name in ("state", "entered", "in_state", "stale", "totals", "last_report", "latest"):
        assert getattr(after, name) == getattr(before, name), name
    bench.report("detecting", session="s", sequence=1, totals={"processed": 4}, inference_seconds=[0.031])
    assert bench.totals == (4, 0, 0)
    assert sum(bench.view.counters.bucket_counts) == 0
    bench.clock.pass_(1.0)
    bench.report("idle")
    assert bench.history == [("idle", 0.0), ("detecting", 11.0)]


def test_versions_do_not_repeat_over_restarts_even_with_a_clock_that_went_back(bench: Bench) -> None:
    seen = set()
    for _ in range(5):
        bench.clock.set_wall(0.0)
        bench.restart()
        for _ in range(3):
            bench.report("detecting")
            assert bench.view.version not in seen
            seen.add(bench.view.version)


def test_a_restart_after_a_kill_lets_no_time_in_state_fall(bench: Bench) -> None:
    bench.report("detecting", ttl=3600)
    for _ in range(10):
        bench.clock.pass_(CHECKPOINT_SECONDS - 1.0)  # nothing of this is on disk
        before = bench.time_in("detecting")
        bench.clock.pass_(0.5)
        bench.restart()
        assert bench.time_in("detecting") >= before
        assert bench.view.state.name == "detecting"


@pytest.mark.parametrize(
    ("away", "state", "seconds"),
    [
        (5.0, "detecting", 15.0),
        (49.0, "detecting", 10.0),
        (51.0, "idle", 10.0),
        (3600.0, "idle", 10.0),
    ],
)
def test_stop_ends_what_is_known_and_the_silence_goes_on(bench: Bench, away: float, state: str, seconds: float) -> None:
    bench.report("detecting")
    bench.live(10.0)
    bench.stop(away)
    view = bench.view
    assert (view.state.name, view.stale) == (state, state == "idle")
    assert bench.time_in("detecting") == pytest.approx(seconds)
    bench.clock.pass_(50.0)
    assert bench.view.stale


@pytest.mark.parametrize(
    ("ttl", "lived", "away", "state", "seconds"),
    [
        (60, 20.0, 9.0, "detecting", 29.0),
        (60, 20.0, 41.0, "idle", HELD_SECONDS),
        (3600, 20.0, 3000.0, "detecting", HELD_SECONDS),
        (8, 5.0, 2.0, "detecting", 7.0),
        (8, 5.0, 4.0, "idle", 8.0),
        (8, 5.0, 600.0, "idle", 8.0),
    ],
)
def test_kill_leaves_some_time_unknown_that_counts_as_before(
    bench: Bench, ttl: float, lived: float, away: float, state: str, seconds: float
) -> None:
    bench.report("detecting", ttl=ttl)
    bench.live(lived)
    bench.clock.pass_(away)
    bench.restart()
    assert (bench.view.state.name, bench.view.stale) == (state, state == "idle")
    assert bench.time_in("detecting") == pytest.approx(seconds)


@pytest.mark.parametrize("end", ["stop", "restart"])
@pytest.mark.parametrize("lives", [7.0, 29.0, 51.0])
def test_restarts_do_not_keep_the_light_of_a_dead_reporter_on(bench: Bench, end: str, lives: float) -> None:
    bench.report("sending")
    since = bench.clock.time()
    while bench.clock.time() < since + 60.0:
        assert bench.view.state.name == "sending"
        bench.live(min(lives, since + 60.0 - bench.clock.time()))
        getattr(bench, end)()
    assert (bench.view.state.name, bench.view.stale) == ("idle", True)


@pytest.mark.parametrize("creep", [-1.5, -0.05, 0.05, 1.5])
def test_clock_that_creeps_before_a_kill_makes_no_time_in_state(bench: Bench, creep: float) -> None:
    bench.report("detecting")
    bench.live(10.0)
    bench.clock.set_wall(bench.clock.time() + creep)
    bench.live(1.0)
    bench.restart()
    assert bench.time_in("detecting") == pytest.approx(11.0, abs=0.1)
    bench.clock.set_wall(bench.clock.time() - 0.05)
    bench.restart()  # at once: as if it had been an instant before the checkpoint
    assert bench.time_in("detecting") == pytest.approx(11.0, abs=0.1)


def test_time_that_no_clock_can_tell_counts_as_silence(bench: Bench) -> None:
    bench.report("sending")
    bench.live(20.0)
    bench.clock.set_wall(0.0)
    bench.restart()
    assert bench.view.state.name == "sending"
    bench.live(60.0 - HELD_SECONDS)
    assert bench.view.stale


def test_light_that_expired_while_no_monitor_ran_is_a_change_of_state(bench: Bench) -> None:
    bench.report("sending")
    bench.stop(away=600.0)
    assert bench.changes[-1] == ("sending", "idle")


def test_history_over_a_long_absence_shows_a_gap(bench: Bench) -> None:
    began = bench.clock.time()
    bench.report("sending", ttl=3600)
    bench.live(10.0)
    bench.stop(away=600.0)
    bench.clock.pass_(20.0)
    bench.report("idle")
    rows = [(row.state, row.entered - began, row.seconds) for row in bench.recorder.kept.transitions]
    assert rows[1:] == [("sending", 0.0, pytest.approx(10.0)), ("sending", 610.0, pytest.approx(20.0))]


def test_an_idle_node_goes_on_over_a_short_restart_and_has_a_gap_after_a_long_one(bench: Bench) -> None:
    bench.clock.pass_(100.0)
    bench.status.tick()
    bench.clock.pass_(5.0)
    bench.restart()
    assert bench.history == []
    assert bench.view.in_state == pytest.approx(105.0)
    bench.clock.pass_(7200.0)
    bench.restart()
    assert bench.history == [("idle", 105.0 + HELD_SECONDS)]
    assert bench.view.in_state == pytest.approx(0.0)


def test_a_board_that_boots_in_1970_keeps_the_dates_of_before_and_mends_those_since(bench: Bench) -> None:
    bench.report("sending", ttl=600)
    entered = bench.view.entered
    bench.status.close()
    today = bench.clock.time() + 20.0
    bench.clock.set_wall(0.0)
    bench.restart()
    assert bench.view.state.name == "sending"
    bench.clock.pass_(5.0)
    bench.clock.set_wall(today + 5.0)
    assert bench.view.entered == entered
    assert bench.view.last_report == entered
    bench.clock.pass_(1.0)
    bench.report("detecting")
    kept = bench.recorder.kept
    last = kept.transitions[-1]
    assert (last.state, last.entered) == ("sending", entered)
    assert bench.view.last_report == pytest.approx(today + 6.0)


@pytest.mark.parametrize("fields", [{}, {"session": "s", "sequence": 2}], ids=["plain", "reporter"])
def test_heartbeat_survives_a_kill_and_so_does_the_ttl_it_brings(bench: Bench, fields: dict[str, Any]) -> None:
    bench.report("sending", **(fields and fields | {"sequence": 1}))
    bench.live(58.0)
    bench.report("sending", heartbeat=True, **fields)
    bench.restart()
    bench.live(59.0)
    assert bench.view.state.name == "sending"
    bench.report("sending", heartbeat=True, ttl=600, **(fields and fields | {"sequence": 3}))
    bench.restart()
    bench.live(590.0)
    assert bench.view.state.name == "sending"


def test_every_counter_begins_at_zero_with_the_process_and_totals_do_not(bench: Bench) -> None:
    bench.report("sending", inference_seconds=0.1)
    bench.status.reject()
    bench.clock.pass_(5.0)
    before = bench.view.counters
    assert (before.inputs, before.accepted, before.rejected) == (Totals(0, 1, 1), 1, 1)
    assert (sum(before.bucket_counts), before.duration_sum) == (1, 0.1)
    assert (before.seconds["sending"], before.entries["sending"]) == (5.0, 1)
    bench.restart()
    after = bench.view.counters
    assert (after.inputs, after.accepted, after.rejected) == (Totals(), 0, 0)
    assert (sum(after.bucket_counts), after.duration_sum) == (0, 0.0)
    assert set(after.seconds.values()) == {0.0}
    assert set(after.entries.values()) == {0}
    assert bench.totals == (0, 1, 1)
    bench.clock.pass_(2.0)
    assert bench.view.counters.seconds == per_state(0.0, sending=2.0)
    assert bench.view.in_state == 7.0
