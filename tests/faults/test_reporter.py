"""The reporter inside an inference process: beside an ill monitor, over forks, and at every kind of end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from exporter.reporter import StatusReporter
from testkit.fake_monitor import TAKEN, Answer, FakeMonitor, drip, http_reply, take
from testkit.net import free_port, wait_for
from testkit.paths import ROOT
from testkit.running import RunningMonitor


@pytest.fixture
def fake() -> Iterator[FakeMonitor]:
    with FakeMonitor() as monitor:
        yield monitor


def script(code: str, url: str) -> subprocess.Popen[str]:
    """Run `code` as a process; `reporter` is there, `url` is told."""
    head = f"import os, signal, sys, threading, time\nfrom exporter.reporter import StatusReporter\nurl = {url!r}\n"
    return subprocess.Popen(
        [sys.executable, "-c", head + code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def output_of(code: str, url: str) -> str:
    """Run `code` to its end, which must be a good one, and return what it printed."""
    process = script(code, url)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    return printed


def work(reporter: StatusReporter, items: int) -> float:
    """Process and send `items` items, and return the longest time in seconds that the reporter took for one."""
    longest = 0.0
    for number in range(items):
        begun = time.perf_counter()
        with reporter.detecting(str(number)):
            reporter.inference(0.01, low_confidence=True)
        with reporter.sending(str(number)):
            pass
        longest = max(longest, time.perf_counter() - begun)
    return longest


ITEMS = 300
COUNTED = {"processed": ITEMS, "low_confidence": ITEMS, "sent_to_server": ITEMS}


def error_500(_report: dict[str, Any], _connection: socket.socket) -> bytes:
    return http_reply(b'{"error": "no"}', "500 Internal Server Error")


def another_program(_report: dict[str, Any], _connection: socket.socket) -> bytes:
    return http_reply(b"<html>It works!</html>")


def garbage(_report: dict[str, Any], _connection: socket.socket) -> bytes | None:
    _connection.sendall(b"\x00\xff SSH-2.0 \r\n\r\n")
    return None


def hang_up(_report: dict[str, Any], _connection: socket.socket) -> None:
    """Close the connection without a word."""


def hang(_report: dict[str, Any], connection: socket.socket) -> None:
    """Answer nothing until the other side gives up."""
    connection.settimeout(10)
    connection.recv(1)


@pytest.mark.parametrize("ill", [error_500, another_program, garbage, hang_up, hang, drip])
def test_ill_monitor_costs_the_inference_nothing_and_gets_everything_when_it_is_well(
    fake: FakeMonitor, ill: Answer
) -> None:
    fake.answer = ill
    with StatusReporter(fake.url) as reporter:
        longest = work(reporter, ITEMS)
        wait_for(lambda: fake.reports, "a report")
        reporter.report("idle", task="the end")
        fake.reports.clear()  # none of them was taken
        fake.answer = take
        wait_for(lambda: ("idle", "the end") in fake.changes, "the last state")
    assert longest < 0.2
    assert fake.totals() == COUNTED
    assert len(fake.durations()) == ITEMS


def test_monitor_that_is_down_at_the_start_and_again_later_gets_everything() -> None:
    port = free_port()
    reports: list[dict[str, Any]] = []
    with StatusReporter(f"http://127.0.0.1:{port}") as reporter:
        for outage in (1, 2, 3):
            work(reporter, 100)
            reporter.report("idle", task=f"outage {outage}")
            with FakeMonitor(port) as monitor:
                wait_for(partial(up_to_date, monitor, f"outage {outage}", 100 * outage), "state and counts")
            reports += monitor.reports
    numbers = [report["sequence"] for report in reports]
    assert numbers == sorted(numbers)
    once = {report["sequence"]: report.get("inference_seconds", []) for report in reports}
    assert sum(len(durations) for durations in once.values()) == 300


def up_to_date(monitor: FakeMonitor, task: str, sent: int) -> bool:
    return ("idle", task) in monitor.changes and monitor.totals()["sent_to_server"] == sent


def test_unknown_host_name_costs_the_inference_nothing() -> None:
    reporter = StatusReporter("http://monitor.invalid:8000")
    assert work(reporter, ITEMS) < 0.2
    begun = time.monotonic()
    reporter.close()
    assert time.monotonic() - begun <= 1.0


def test_reply_that_is_lost_brings_the_same_report_again(fake: FakeMonitor) -> None:
    fake.answer = hang_up
    with StatusReporter(fake.url) as reporter:
        reporter.inference(0.5)
        wait_for(lambda: len(fake.reports) == 2, "the report and its repeat")
        fake.answer = take
    first, second = fake.reports[:2]
    assert first == second
    assert fake.durations() == [0.5]


def test_slow_monitor_gets_the_latest_states_in_order_and_all_counts(fake: FakeMonitor) -> None:
    def slowly(_report: dict[str, Any], _connection: socket.socket) -> bytes:
        fake.released.wait(0.3)
        return http_reply(TAKEN)

    fake.answer = slowly
    with StatusReporter(fake.url) as reporter:
        for number in range(150):
            reporter.report("detecting", task=str(number))
            time.sleep(0.01)
        ended = time.monotonic()
        wait_for(lambda: fake.reports[-1]["current_task"] == "149", "the latest state")
        assert fake.arrivals[-1] - ended < 1.5
    numbers = [int(report["current_task"]) for report in fake.reports if report["current_task"]]
    assert numbers == sorted(set(numbers))
    assert len(numbers) < 30
    assert fake.totals()["processed"] == 150


def test_silence_of_a_script_is_filled_with_heartbeats_in_good_time(fake: FakeMonitor) -> None:
    with StatusReporter(fake.url, ttl=1.0) as reporter:
        reporter.report("sending")
        wait_for(lambda: len(fake.reports) == 6, "five heartbeats")
    gaps = [later - earlier for earlier, later in zip(fake.arrivals[:5], fake.arrivals[1:6])]
    assert min(gaps) > 0.2
    assert max(gaps) < 1.0


def test_long_outage_fills_no_memory() -> None:
    code = """
import resource
reporter = StatusReporter(url)
def work():
    for number in range(50_000):
        reporter.report("detecting", str(number) * 100, task_info={"number": number, "text": "x" * 500})
        reporter.inference(number / 1e6)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(-work() + work())
"""
    kilobytes = int(output_of(code, f"http://127.0.0.1:{free_port()}"))
    assert kilobytes < 2000


def test_end_of_the_interpreter_waits_for_the_last_counts(fake: FakeMonitor) -> None:
    output_of("reporter = StatusReporter(url)\nreporter.report('sending')\nreporter.inference(0.5)", fake.url)
    assert fake.entered == ["sending", "idle"]
    assert fake.durations() == [0.5]


def test_end_of_the_interpreter_beside_a_hanging_monitor_comes_within_a_second(fake: FakeMonitor) -> None:
    fake.answer = fake.hang
    code = """
import atexit
begun = []
atexit.register(lambda: print(time.monotonic() - begun[0]))  # runs after what is registered later
reporter = StatusReporter(url)
reporter.report("sending")
atexit.register(lambda: begun.append(time.monotonic()))
"""
    assert float(output_of(code, fake.url)) <= 1.0


def end_of(process: subprocess.Popen[str]) -> float:
    """Return how many seconds `process` takes to its end."""
    begun = time.monotonic()
    process.communicate("now\n", timeout=30)
    return time.monotonic() - begun


def test_end_without_clean_up_is_not_held_up_and_says_nothing(fake: FakeMonitor) -> None:
    code = "reporter = StatusReporter(url)\nreporter.report('sending')\nsys.stdin.readline()\nos._exit(7)"
    process = script(code, fake.url)
    wait_for(lambda: fake.entered == ["sending"], "the state")
    assert end_of(process) < 1.0
    assert process.returncode == 7
    assert fake.entered == ["sending"]


def test_sigterm_ends_a_script_at_once_though_the_monitor_hangs(fake: FakeMonitor) -> None:
    fake.answer = fake.hang
    process = script("reporter = StatusReporter(url)\nreporter.report('sending')\ntime.sleep(60)", fake.url)
    wait_for(lambda: fake.entered == ["sending"], "the state")
    process.terminate()
    assert end_of(process) < 0.5
    assert process.returncode == -signal.SIGTERM


def test_sigterm_that_a_script_turns_into_its_end_lets_the_light_go_out(fake: FakeMonitor) -> None:
    code = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(3))
with StatusReporter(url) as reporter, reporter.sending("frame 17"):
    time.sleep(60)
"""
    process = script(code, fake.url)
    wait_for(lambda: fake.entered == ["sending"], "the state")
    process.terminate()
    assert end_of(process) <= 1.5
    assert process.returncode == 3
    assert fake.entered == ["sending", "idle"]


def test_sending_thread_imports_nothing_that_a_fork_could_leave_half_imported(fake: FakeMonitor) -> None:
    code = """
before = set(sys.modules)
with StatusReporter(url) as reporter:
    reporter.report("sending", task_info={"camera": 2})
    reporter.inference(1.0)
print(sorted(set(sys.modules) - before))
"""
    assert output_of(code, fake.url) == "[]\n"
    assert fake.entered == ["sending", "idle"]


def test_50_forks_of_a_busy_process_all_report(fake: FakeMonitor) -> None:
    code = """
reporter = StatusReporter(url)
over = threading.Event()
def report():
    while not over.is_set():
        reporter.report("detecting")
        reporter.inference()
busy = [threading.Thread(target=report) for _ in range(2)]
for thread in busy:
    thread.start()
ends = []
for _ in range(5):
    children = []
    for number in range(10):
        child = os.fork()
        if child == 0:
            with reporter.sending(f"child {number}"):
                reporter.inference(1.0)
            reporter.close()
            os._exit(0)
        children.append(child)
    ends += [os.waitpid(child, 0)[1] for child in children]
over.set()
for thread in busy:
    thread.join()
print(ends.count(0))
"""
    assert output_of(code, fake.url) == "50\n"
    assert len({report["session"] for report in fake.reports}) == 51
    assert fake.totals()["sent_to_server"] == 50
    assert fake.durations() == [1.0] * 50


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_workers_that_only_count_are_counted_to_the_last_and_enter_nothing(
    fake: FakeMonitor, tmp_path: Path, method: str
) -> None:
    code = """
import multiprocessing, sys
from exporter.reporter import StatusReporter

def infer(reporter):
    for number in range(10):
        reporter.inference(0.01)

if __name__ == "__main__":
    reporter = StatusReporter(sys.argv[1])
    with reporter.sending("frame 17"):
        context = multiprocessing.get_context(sys.argv[2])
        workers = [context.Process(target=infer, args=(reporter,)) for _ in range(2)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
"""
    (tmp_path / "script.py").write_text(code)
    command = [sys.executable, str(tmp_path / "script.py"), fake.url, method]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=30, check=True)
    assert fake.totals() == {"processed": 20, "low_confidence": 1, "sent_to_server": 1}
    assert len(fake.durations()) == 20
    assert fake.entered == ["sending", "idle"]


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[RunningMonitor]:
    with RunningMonitor(tmp_path) as running:
        yield running


def test_light_shows_the_process_that_sends_beside_idle_processes_and_children(monitor: RunningMonitor) -> None:
    code = """
reporter = StatusReporter(url, ttl=2)
idler = StatusReporter(url, ttl=1)
idler.inference()
with reporter.sending("frame 17"):
    if os.fork() == 0:
        reporter.inference(1.0)
        sys.exit()  # leaves the block, too
    os.wait()
    print("sends", flush=True)
    sys.stdin.readline()
"""
    process = script(code, monitor.url)
    assert process.stdout is not None
    assert process.stdout.readline() == "sends\n"
    wait_for(lambda: monitor.stats()["total_processed"] == 2, "the counts of the child and the idle one")
    begun = time.monotonic()
    while time.monotonic() - begun < 1.0:  # heartbeats of both
        assert monitor.status()["status"] == "sending"
    process.communicate("end\n", timeout=30)
    history = monitor.get("/api/history").json()
    assert [stay["status"] for stay in history] == ["idle", "sending", "idle"]


def test_light_of_a_dead_sender_goes_out_though_others_live(monitor: RunningMonitor) -> None:
    with StatusReporter(monitor.url, ttl=1) as idler:
        idler.inference()
        wait_for(lambda: monitor.stats()["total_processed"] == 1, "the idle one")
        code = "reporter = StatusReporter(url, ttl=1)\nreporter.report('sending')\nsys.stdin.readline()\nos._exit(0)"
        process = script(code, monitor.url)
        wait_for(lambda: monitor.status()["status"] == "sending", "the sender")
        process.communicate("die\n", timeout=30)
        died = time.monotonic()
        wait_for(lambda: monitor.status()["status"] == "idle", "the end of the TTL")
        assert time.monotonic() - died < 1.5
    (sent,) = [stay for stay in monitor.get("/api/history").json() if stay["status"] == "sending"]
    assert sent["duration_seconds"] >= 1.0
