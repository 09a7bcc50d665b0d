"""Reporters at a monitor that restarts, two of them at once, and one in a great hurry."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from exporter.reporter import StatusReporter
from testkit.net import wait_for
from testkit.running import RunningMonitor

RESTARTS = 20


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[RunningMonitor]:
    with RunningMonitor(tmp_path) as running:
        yield running


def test_totals_are_exact_after_20_restarts_in_mid_run(monitor: RunningMonitor) -> None:
    ended = threading.Event()
    done = {"total_processed": 0, "low_confidence_count": 0, "sent_to_server": 0}

    def infer(reporter: StatusReporter) -> None:
        while not ended.wait(0.003):
            unsure = done["total_processed"] % 3 == 0
            with reporter.detecting("frame"):
                reporter.inference(0.01, low_confidence=unsure)
            done["total_processed"] += 1
            if unsure:
                with reporter.sending("frame"):
                    pass
                done["low_confidence_count"] += 1
                done["sent_to_server"] += 1

    with StatusReporter(monitor.url) as reporter:
        script = threading.Thread(target=infer, args=(reporter,))
        script.start()
        before = 0
        for restart in range(RESTARTS):
            if restart % 2:
                assert monitor.process.terminate() == 0
            else:
                monitor.kill_9()
            monitor.start()
            now = monitor.stats()["total_processed"]
            assert now >= before
            before = now
        ended.set()
        script.join()
        wait_for(lambda: monitor.stats() == done, f"{done}", 20)
    assert done["sent_to_server"] > RESTARTS
    time.sleep(0.5)
    assert monitor.stats() == done


def test_two_reporters_are_both_counted_and_the_last_one_shows(monitor: RunningMonitor) -> None:
    def work(reporter: StatusReporter, times: int) -> None:
        for _ in range(times):
            with reporter.detecting():
                reporter.inference(0.001)

    with StatusReporter(monitor.url) as one, StatusReporter(monitor.url) as other:
        threads = [threading.Thread(target=work, args=(reporter, 200)) for reporter in (one, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_for(lambda: monitor.stats()["total_processed"] == 400, "all counts", 10)
        one.report("detecting", task="first")
        wait_for(lambda: monitor.status()["latest_state"]["current_task"] == "first", "the first one's task")
        other.report("sending", task="second")
        wait_for(lambda: monitor.status()["latest_state"]["current_task"] == "second", "the second one's task")
        assert monitor.status()["status"] == "sending"


def test_report_every_millisecond_is_kept_up_with_and_the_last_state_is_right(monitor: RunningMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        next_at = time.monotonic()
        for number in range(3000):
            reporter.report("detecting" if number % 2 else "idle", task=str(number))
            reporter.inference(0.001)
            next_at += 0.001
            time.sleep(max(0.0, next_at - time.monotonic()))
        reporter.report("sending", task="last")
        wait_for(lambda: monitor.status()["latest_state"]["current_task"] == "last", "the last report", 3)
        assert monitor.status()["status"] == "sending"
        wait_for(lambda: monitor.stats()["total_processed"] == 3000, "all counts", 5)


def test_plain_posts_as_fast_as_they_go_are_all_counted(monitor: RunningMonitor) -> None:
    def post(times: int) -> None:
        with requests.Session() as session:
            for _ in range(times):
                reply = session.post(f"{monitor.url}/api/update_status", json={"status": "sending"}, timeout=10)
                assert reply.ok

    posters = [threading.Thread(target=post, args=(250,)) for _ in range(4)]
    for poster in posters:
        poster.start()
    for poster in posters:
        poster.join()
    assert monitor.stats()["sent_to_server"] == 1000


def test_light_of_a_reporter_that_died_goes_out_after_its_ttl(monitor: RunningMonitor) -> None:
    assert monitor.report(status="sending", ttl=1).ok
    version = monitor.status()["version"]
    begun = time.monotonic()
    fallen = monitor.get(f"/api/status?wait=5&since={version}").json()
    assert 0.5 < time.monotonic() - begun < 1.5
    assert (fallen["status"], fallen["stale"]) == ("idle", True)
    assert monitor.stats()["sent_to_server"] == 1
