"""The rules of the status: what reports, silence and a clock that is set change."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.status.resume import max_unsaved_seconds
from testkit.per_state import per_state
from testkit.status_kit import Bench


def test_only_changes_of_state_are_entries(bench: Bench) -> None:
    for status in ("detecting", "detecting", "sending", "sending", "idle", "detecting"):
        bench.report(status)
    assert bench.view.counters.entries == per_state(idle=1, detecting=2, sending=1)
    assert bench.changes == [
        ("idle", "detecting"),
        ("detecting", "sending"),
        ("sending", "idle"),
        ("idle", "detecting"),
    ]


def test_times_in_state_are_exact_also_for_the_shortest_stays(bench: Bench) -> None:
    for status, seconds in (("detecting", 0.004), ("sending", 0.25), ("idle", 3.0), ("sending", 10.0)):
        bench.report(status)
        bench.clock.pass_(seconds)
    assert bench.view.counters.seconds == pytest.approx(per_state(0.0, idle=3.0, detecting=0.004, sending=10.25))
    assert bench.history == [("idle", 0.0), ("detecting", 0.004), ("sending", 0.25), ("idle", 3.0)]


def test_silence_past_the_ttl_ends_the_state_at_the_very_moment_it_expired(bench: Bench) -> None:
    bench.report("sending")
    bench.clock.pass_(59.9)
    assert (bench.view.state.name, bench.view.stale) == ("sending", False)
    bench.clock.pass_(1000.0)
    view = bench.view
    assert (view.state.name, view.stale) == ("idle", True)
    assert view.counters.seconds["sending"] == pytest.approx(60.0)
    assert view.in_state == pytest.approx(999.9)
    assert view.entered == pytest.approx(bench.clock.time() - 999.9)


@pytest.mark.parametrize(("ttl", "kept"), [(1.0, 0.9), (5, 4.9), (3600, 3599)])
def test_a_report_may_bring_its_own_ttl(bench: Bench, ttl: float, kept: float) -> None:
    bench.report("sending", ttl=ttl)
    bench.clock.pass_(kept)
    assert bench.view.state.name == "sending"
    bench.clock.pass_(ttl - kept + 0.01)
    assert (bench.view.state.name, bench.view.stale) == ("idle", True)


def test_the_ttl_of_a_report_does_not_outlive_it(bench: Bench) -> None:
    bench.report("sending", ttl=3600)
    bench.report("sending")
    bench.clock.pass_(61.0)
    assert bench.view.stale


def test_a_report_ends_staleness_and_a_silent_idle_goes_stale_without_a_transition(bench: Bench) -> None:
    bench.report("idle")
    bench.clock.pass_(61.0)
    assert bench.view.stale
    assert bench.history == []
    before = bench.view.version
    bench.report("idle")
    assert not bench.view.stale
    assert bench.view.version > before


def test_a_report_sent_twice_counts_once_and_changes_nothing_the_second_time(bench: Bench) -> None:
    first = {"session": "s", "sequence": 1, "totals": {"processed": 1}, "inference_seconds": [0.1, 0.2]}
    bench.report("detecting", **first)
    bench.report("sending", session="s", sequence=2, totals={"processed": 1, "sent_to_server": 1})
    version = bench.view.version
    bench.report("detecting", **first)
    view = bench.view
    assert view.state.name == "sending"
    assert bench.totals == (1, 0, 1)
    assert sum(view.counters.bucket_counts) == 2
    assert view.version == version


def test_two_reporters_at_once_are_both_counted_and_the_last_word_wins(bench: Bench) -> None:
    for number in range(1, 11):
        bench.report("detecting", session="a", sequence=number, totals={"processed": number})
        bench.report("sending", session="b", sequence=number, totals={"sent_to_server": number})
    assert bench.totals == (10, 0, 10)
    assert bench.view.state.name == "sending"


@pytest.mark.parametrize("owner", [{"session": "a"}, {}], ids=["reporter", "plain script"])
@pytest.mark.parametrize("status", ["idle", "detecting"])
def test_heartbeat_of_another_leaves_what_is_going_on_and_its_ttl(
    bench: Bench, owner: dict[str, Any], status: str
) -> None:
    bench.report("sending", **owner, current_task="frame 17")
    for number in range(1, 7):
        bench.clock.pass_(9.9)
        bench.report(status, session="b", heartbeat=True, ttl=600, totals={"processed": number})
        assert bench.view.latest.current_task == "frame 17"
    assert bench.changes == [("idle", "sending")]
    assert bench.totals[0] == 6
    bench.clock.pass_(1.0)
    assert bench.view.stale
    assert bench.view.counters.seconds["sending"] == pytest.approx(60.0)
    bench.report(status, session="b", heartbeat=True)
    assert (bench.view.state.name, bench.view.stale) == (status, False)


def test_heartbeat_of_the_session_that_set_the_state_keeps_it_also_over_a_restart(bench: Bench) -> None:
    bench.report("sending", session="a", sequence=1)
    for number in range(10):
        bench.clock.pass_(40.0)
        bench.status.close()
        if number == 5:
            bench.restart()
        bench.report("sending", session="a", sequence=number + 2, heartbeat=True)
        bench.report("idle", session="b", heartbeat=True)
    assert bench.changes == [("idle", "sending")]


def test_heartbeat_gives_a_monitor_that_forgot_everything_the_light_back(bench: Bench) -> None:
    bench.recorder.kept.checkpoint = None
    bench.restart()
    bench.report("idle", session="b", heartbeat=True)
    bench.report("sending", session="a", heartbeat=True)
    bench.report("idle", session="b", heartbeat=True)
    assert bench.view.state.name == "sending"


def test_idle_heartbeat_keeps_an_idle_node_fresh_and_its_message(bench: Bench) -> None:
    bench.report("idle", message="400 frames done")
    for _ in range(4):
        bench.clock.pass_(40.0)
        bench.report("idle", session="b", heartbeat=True)
    assert not bench.view.stale
    assert bench.view.latest.message == "400 frames done"


def test_repeat_of_a_report_does_not_keep_the_state_of_another_session(bench: Bench) -> None:
    bench.report("detecting", session="b", sequence=1)
    bench.report("sending", session="a", sequence=1)
    bench.clock.pass_(40.0)
    bench.report("detecting", session="b", sequence=1)
    bench.clock.pass_(21.0)
    assert bench.view.stale


@pytest.mark.parametrize(
    ("report", "rises"),
    [
        ({"status": "idle"}, False),
        ({"status": "detecting"}, True),
        ({"status": "idle", "message": "new"}, True),
        ({"status": "idle", "task_info": {"a": 1}}, True),
        ({"status": "idle", "processed": 1}, True),
        ({"status": "idle", "session": "s", "sequence": 1, "totals": {"processed": 0}}, False),
        ({"status": "idle", "session": "s", "sequence": 1, "totals": {"processed": 1}}, True),
    ],
)
def test_the_version_rises_with_what_the_status_shows_and_not_with_a_heartbeat(
    bench: Bench, report: dict[str, Any], rises: bool
) -> None:
    bench.report("idle")
    before = bench.view.version
    receipt = bench.report(**report)
    assert (bench.view.version > before) is rises
    assert receipt.version == bench.view.version


YEARS = 50 * 365 * 86_400.0


@pytest.mark.parametrize("jump", [YEARS, -YEARS, 3600.0, -3600.0])
def test_a_clock_that_is_set_breaks_neither_durations_nor_the_ttl_nor_dates(bench: Bench, jump: float) -> None:
    bench.report("detecting")
    bench.clock.pass_(5.0)
    bench.report("sending")
    bench.clock.pass_(10.0)
    bench.clock.set_wall(bench.clock.time() + jump)
    view = bench.view
    assert (view.state.name, view.stale) == ("sending", False)
    assert view.counters.seconds == pytest.approx(per_state(0.0, detecting=5.0, sending=10.0))
    now = bench.clock.time()
    assert view.entered == pytest.approx(now - 10.0)
    assert view.last_report == pytest.approx(now - 10.0)
    dates = [row.entered for row in bench.recorder.kept.transitions]
    assert dates == pytest.approx([now - 15.0, now - 15.0])
    assert [row.timestamp for row in bench.recorder.kept.alerts] == pytest.approx([now - 10.0])
    bench.clock.pass_(49.0)
    assert not bench.view.stale
    bench.clock.pass_(2.0)
    assert bench.view.stale
    assert bench.view.counters.seconds["sending"] == pytest.approx(60.0)


def test_the_clock_creeping_by_less_than_a_jump_moves_no_date(bench: Bench) -> None:
    bench.report("sending")
    entered = bench.view.entered
    bench.clock.set_wall(bench.clock.time() + 1.5)
    assert bench.view.entered == entered


def test_dates_taken_before_the_clock_was_set_are_mended_after_it(bench: Bench) -> None:
    bench.clock.set_wall(0.0)
    bench.recorder.kept.checkpoint = None
    bench.restart()
    bench.report("sending")
    bench.clock.pass_(5.0)
    bench.clock.set_wall(1_900_000_000.0)
    view = bench.view
    assert (view.entered, view.last_report) == pytest.approx((1_900_000_000.0 - 5.0,) * 2)
    assert bench.recorder.kept.transitions[-1].entered == pytest.approx(1_900_000_000.0 - 5.0)
    assert bench.recorder.kept.alerts[-1].timestamp == pytest.approx(1_900_000_000.0 - 5.0)


def test_what_changes_nothing_is_kept_soon_and_does_not_wear_out_the_disk(bench: Bench) -> None:
    bench.report("idle")
    before = bench.recorder.writes
    for _ in range(600):
        bench.report("idle")
        bench.status.reject()
        bench.live(0.1)
    assert 60 / max_unsaved_seconds(60.0) - 1 <= bench.recorder.writes - before <= 2 * 60 / max_unsaved_seconds(60.0)


def test_time_of_the_reporter_is_that_of_its_last_event(bench: Bench) -> None:
    bench.report("sending", timestamp="2026-01-01T00:00:00Z")
    bench.report("sending", timestamp="2026-01-01T00:00:09Z")
    bench.report("sending")
    assert bench.view.latest.reporter_timestamp == "2026-01-01T00:00:09Z"
