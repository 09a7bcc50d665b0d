"""The status machine: what it counts, when it falls back, and what a restart keeps."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from exporter.status.counting import ALERTS_PER_REPORT
from exporter.status.resume import CHECKPOINT_SECONDS, HELD_SECONDS, max_unsaved_seconds
from exporter.status.sessions import SESSIONS_LIMIT
from testkit.net import wait_for
from testkit.status_kit import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("reports", "totals", "alerts"),
    [
        ([("idle", {})], (0, 0, 0), 0),
        ([("detecting", {})] * 3, (3, 0, 0), 0),
        ([("sending", {})] * 3, (0, 3, 3), 3),
        ([("detecting", {}), ("sending", {}), ("idle", {})], (1, 1, 1), 1),
        ([("detecting", {"processed": 5})], (5, 0, 0), 0),
        ([("detecting", {"processed": 0})], (0, 0, 0), 0),
        ([("sending", {"sent_to_server": 0})], (0, 1, 0), 0),
        ([("sending", {"sent_to_server": 4, "processed": 9})], (9, 1, 4), 4),
        ([("idle", {"processed": 2, "low_confidence": 1, "sent_to_server": 1})], (2, 1, 1), 1),
        ([("sending", {"session": "s"})], (0, 0, 0), 0),
        ([("sending", {"session": "s", "totals": {"processed": 7, "sent_to_server": 2}})], (7, 0, 2), 2),
        ([("idle", {"session": "s", "sequence": 1, "processed": 2})] * 2, (2, 0, 0), 0),
        ([("sending", {"heartbeat": True}), ("detecting", {"heartbeat": True})], (0, 0, 0), 0),
        ([("idle", {"heartbeat": True, "session": "s", "totals": {"processed": 7}})], (7, 0, 0), 0),
    ],
)
def test_what_reports_count(
    bench: Bench, reports: list[tuple[str, dict[str, Any]]], totals: tuple[int, int, int], alerts: int
) -> None:
    for status, fields in reports:
        bench.report(status, **fields)
    assert bench.totals == totals
    assert len(bench.recorder.kept.alerts) == alerts


def test_only_changes_of_state_are_entries(bench: Bench) -> None:
    for status in ("detecting", "detecting", "sending", "sending", "idle", "detecting"):
        bench.report(status)
    assert bench.view.entries == {"idle": 1, "detecting": 2, "sending": 1}
    assert bench.events.changes == [
        ("idle", "detecting"),
        ("detecting", "sending"),
        ("sending", "idle"),
        ("idle", "detecting"),
    ]


def test_times_in_state_are_exact_also_for_the_shortest_stays(bench: Bench) -> None:
    for status, seconds in (("detecting", 0.004), ("sending", 0.25), ("idle", 3.0), ("sending", 10.0)):
        bench.report(status)
        bench.clock.pass_(seconds)
    assert bench.view.seconds == pytest.approx({"idle": 3.0, "detecting": 0.004, "sending": 10.25})
    assert bench.history == [("idle", 0.0), ("detecting", 0.004), ("sending", 0.25), ("idle", 3.0)]


def test_silence_past_the_ttl_ends_the_state_at_the_very_moment_it_expired(bench: Bench) -> None:
    bench.report("sending")
    bench.clock.pass_(59.9)
    assert (bench.view.state.name, bench.view.stale) == ("sending", False)
    bench.clock.pass_(1000.0)
    view = bench.view
    assert (view.state.name, view.stale) == ("idle", True)
    assert view.seconds["sending"] == pytest.approx(60.0)
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


def test_time_alone_is_noticed_by_the_tick(bench: Bench) -> None:
    bench.report("sending")
    bench.clock.pass_(60.0)
    bench.status.tick()
    assert bench.events.changes[-1] == ("sending", "idle")


def test_a_report_sent_twice_counts_once_and_changes_nothing_the_second_time(bench: Bench) -> None:
    first = {"session": "s", "sequence": 1, "totals": {"processed": 1}, "inference_seconds": [0.1, 0.2]}
    bench.report("detecting", **first)
    bench.report("sending", session="s", sequence=2, totals={"processed": 1, "sent_to_server": 1})
    version = bench.view.version
    bench.report("detecting", **first)
    view = bench.view
    assert view.state.name == "sending"
    assert bench.totals == (1, 0, 1)
    assert sum(view.bucket_counts) == 2
    assert view.version == version


def test_totals_that_go_back_count_nothing(bench: Bench) -> None:
    for sequence, processed in enumerate((5, 3, 4, 6)):
        bench.report("detecting", session="s", sequence=sequence, totals={"processed": processed})
    assert bench.totals == (6, 0, 0)


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
    assert bench.events.changes == [("idle", "sending")]
    assert bench.totals[0] == 6
    bench.clock.pass_(1.0)
    assert bench.view.stale
    assert bench.view.seconds["sending"] == pytest.approx(60.0)
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
    assert bench.events.changes == [("idle", "sending")]


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


def test_sessions_remembered_are_bounded_and_the_busy_ones_stay(bench: Bench) -> None:
    for number in range(3 * SESSIONS_LIMIT):
        bench.report("idle", session=f"s{number}", sequence=1, totals={"processed": 1})
        bench.report("idle", session="busy", sequence=number, totals={"processed": 1})
    assert bench.totals == (3 * SESSIONS_LIMIT + 1, 0, 0)
    bench.restart()
    bench.report("idle", session="busy", totals={"processed": 1})
    assert bench.totals == (3 * SESSIONS_LIMIT + 1, 0, 0)


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


def test_a_waiter_is_told_of_a_change_and_of_the_end(bench: Bench) -> None:
    told: list[str] = []

    def wait() -> None:
        told.append(bench.status.wait_past(bench.view.version, 25.0).state.name)

    for action in (lambda: bench.report("sending"), bench.status.release_waiters):
        waiter = threading.Thread(target=wait)
        waiter.start()
        wait_for(lambda: bench.status._changed._waiters, "a waiter")  # type: ignore[attr-defined]
        action()
        waiter.join(5.0)
        assert not waiter.is_alive()
    assert told == ["sending", "sending"]


def test_a_waiter_for_a_version_that_passed_is_answered_at_once(bench: Bench) -> None:
    version = bench.view.version
    bench.report("sending")
    assert bench.status.wait_past(version, 25.0).state.name == "sending"
    assert bench.status.wait_past(bench.view.version + 5, 25.0).state.name == "sending"


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
    assert view.seconds == pytest.approx({"idle": 0.0, "detecting": 5.0, "sending": 10.0})
    now = bench.clock.time()
    assert view.entered == pytest.approx(now - 10.0)
    assert view.last_report == pytest.approx(now - 10.0)
    assert bench.events.jumps == [pytest.approx(jump)]
    dates = [row.entered for row in bench.recorder.kept.transitions]
    assert dates == pytest.approx([now - 15.0, now - 15.0])
    assert [row.timestamp for row in bench.recorder.kept.alerts] == pytest.approx([now - 10.0])
    bench.clock.pass_(49.0)
    assert not bench.view.stale
    bench.clock.pass_(2.0)
    assert bench.view.stale
    assert bench.view.seconds["sending"] == pytest.approx(60.0)


def test_the_clock_creeping_by_less_than_a_jump_moves_no_date(bench: Bench) -> None:
    bench.report("sending")
    entered = bench.view.entered
    bench.clock.set_wall(bench.clock.time() + 1.5)
    assert bench.view.entered == entered
    assert bench.events.jumps == []


def test_a_restart_goes_on_with_everything(bench: Bench) -> None:
    bench.report("detecting", inference_seconds=[0.031], session="s", sequence=1, totals={"processed": 4})
    bench.clock.pass_(10.0)
    bench.status.close()
    before = bench.view
    bench.restart()
    after = bench.view
    assert after.version > before.version
    for name in ("state", "entered", "stale", "totals", "entries", "bucket_counts", "duration_sum", "last_report"):
        assert getattr(after, name) == getattr(before, name), name
    assert after.seconds == pytest.approx(before.seconds)
    bench.report("detecting", session="s", sequence=1, totals={"processed": 4}, inference_seconds=[0.031])
    assert bench.totals == (4, 0, 0)
    assert sum(bench.view.bucket_counts) == 1
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
        scraped = bench.view.seconds
        bench.clock.pass_(0.5)
        bench.restart()
        assert all(bench.view.seconds[name] >= scraped[name] for name in scraped)
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
    assert view.seconds["detecting"] == pytest.approx(seconds)
    assert view.entries["idle"] == (state == "idle")
    bench.clock.pass_(50.0)
    assert bench.view.stale


@pytest.mark.parametrize(
    ("ttl", "lived", "away", "state", "seconds"),
    [
        (60, 20.0, 9.0, "detecting", 29.0),
        (60, 20.0, 41.0, "idle", HELD_SECONDS),
        (3600, 20.0, 3000.0, "detecting", HELD_SECONDS),
        (8, 5.0, 2.0, "detecting", 7.0),
        (8, 5.0, 4.0, "idle", 9.0),
        (8, 5.0, 600.0, "idle", 8.0 + max_unsaved_seconds(8) + 1.0),
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
    assert bench.view.seconds["detecting"] == pytest.approx(seconds)


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
    assert bench.view.seconds["detecting"] == pytest.approx(11.0, abs=0.1)
    bench.clock.set_wall(bench.clock.time() - 0.05)
    bench.restart()  # at once: as if it had been a moment before the snapshot
    assert bench.view.seconds["detecting"] == pytest.approx(11.0, abs=0.1)


def test_time_that_no_clock_can_tell_counts_as_silence(bench: Bench) -> None:
    bench.report("sending")
    bench.live(20.0)
    bench.clock.set_wall(0.0)
    bench.restart()
    assert bench.view.state.name == "sending"
    bench.live(60.0 - HELD_SECONDS)
    assert bench.view.stale


def test_the_light_that_went_out_while_the_monitor_was_away_is_logged(bench: Bench) -> None:
    bench.report("sending")
    bench.stop(away=600.0)
    assert bench.events.changes[-1] == ("sending", "idle")


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


def test_each_send_is_one_alert_up_to_a_bound_for_a_single_report(bench: Bench) -> None:
    bench.report("sending", session="s", sequence=1, totals={"sent_to_server": 50}, message="after an outage")
    bench.report("sending", sent_to_server=1_000_000)
    alerts = bench.recorder.kept.alerts
    assert [row.id for row in alerts] == list(range(1, 50 + ALERTS_PER_REPORT + 1))
    assert [row.message for row in alerts].count("after an outage") == 50
    bench.restart()
    bench.report("sending")
    assert bench.recorder.kept.alerts[-1].id == 50 + ALERTS_PER_REPORT + 1


def test_reports_are_counted_on_over_stops_and_kills(bench: Bench) -> None:
    bench.report("idle")
    bench.status.reject()
    bench.stop()
    assert (bench.view.accepted, bench.view.rejected) == (1, 1)
    bench.report("sending")
    bench.restart()
    assert bench.view.accepted == 2
    bench.report("sending", heartbeat=True)
    bench.status.reject()
    bench.live(max_unsaved_seconds(60.0))
    bench.restart()
    assert (bench.view.accepted, bench.view.rejected) == (3, 2)


def test_what_changes_nothing_is_kept_soon_and_does_not_wear_out_the_disk(bench: Bench) -> None:
    bench.report("idle")
    before = bench.recorder.writes
    for _ in range(600):
        bench.report("idle")
        bench.status.reject()
        bench.live(0.1)
    assert 60 / max_unsaved_seconds(60.0) - 1 <= bench.recorder.writes - before <= 2 * 60 / max_unsaved_seconds(60.0)


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


def test_time_of_the_reporter_is_that_of_its_last_event(bench: Bench) -> None:
    bench.report("sending", timestamp="2026-01-01T00:00:00Z")
    bench.report("sending", timestamp="2026-01-01T00:00:09Z")
    bench.report("sending")
    assert bench.view.latest.reporter_timestamp == "2026-01-01T00:00:09Z"


def test_log_that_blocks_holds_up_nobody_else(bench: Bench) -> None:
    go_on, seen = threading.Event(), threading.Event()

    def block(*_: object) -> None:
        seen.set()
        go_on.wait(20)

    bench.events.state_changed = block  # type: ignore[method-assign] # a log whose reader hangs
    reporter = threading.Thread(target=bench.report, args=("sending",))
    reporter.start()
    assert seen.wait(5)
    others = [threading.Thread(target=act) for act in (bench.status.view, bench.status.tick, bench.status.reject)]
    for other in others:
        other.start()
    for other in others:
        other.join(5)
    assert not any(other.is_alive() for other in others)
    go_on.set()
    reporter.join(5)
