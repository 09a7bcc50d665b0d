"""The status for many threads: waiters, ticks, log lines."""

from __future__ import annotations

import logging
import threading

import pytest

from testkit.net import wait_for
from testkit.status_kit import Bench


def test_time_alone_is_noticed_by_the_tick(bench: Bench) -> None:
    bench.report("sending")
    bench.clock.pass_(60.0)
    bench.status.tick()
    assert bench.recorder.kept.transitions[-1].state == "sending"


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


def test_log_that_blocks_delays_no_other_thread(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_on, seen = threading.Event(), threading.Event()

    def block(*_: object) -> None:
        seen.set()
        go_on.wait(20)

    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("exporter.status.service"), "log", block)  # a log whose reader hangs
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


def test_change_of_state_is_one_line_for_debugging_and_a_set_clock_one_warning(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench.report("sending")
    bench.report("sending")
    bench.clock.pass_(61.0)
    bench.status.tick()
    bench.clock.set_wall(bench.clock.time() + 3600.0)
    bench.status.tick()
    bench.status.tick()
    lines = [(record.levelname, record.getMessage().partition(" version=")[0]) for record in caplog.records]
    assert lines == [
        ("DEBUG", "state_changed before=idle after=sending reason=report"),
        ("DEBUG", "state_changed before=sending after=idle reason=no_report"),
        ("WARNING", "clock_set seconds=3600.0"),
    ]


def test_light_that_expired_while_no_monitor_ran_is_logged(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.report("sending")
    caplog.set_level(logging.DEBUG)
    bench.stop(away=600.0)
    assert "state_changed before=sending after=idle reason=no_report" in caplog.text


def test_rejected_report_is_counted_and_changes_nothing_else(bench: Bench) -> None:
    before, writes = bench.view, bench.recorder.writes
    bench.status.reject()
    assert bench.view.counters.rejected == 1
    assert (bench.view.version, bench.recorder.writes) == (before.version, writes)
