"""What StatusReporter tells a healthy monitor, whatever it is given itself."""

from __future__ import annotations

import ast
import ctypes
import json
import math
import pickle
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter import reporter as module
from exporter.report import parse_report
from exporter.reporter import StatusReporter
from testkit.fake_monitor import FakeMonitor, http_reply
from testkit.net import free_port, wait_for


@pytest.fixture
def monitor() -> Iterator[FakeMonitor]:
    with FakeMonitor() as fake:
        yield fake


def settle(monitor: FakeMonitor, count: int) -> None:
    """Wait until `monitor` has got `count` reports."""
    wait_for(lambda: len(monitor.reports) >= count, f"{count} reports")


def test_the_example_of_the_documentation_gives_its_states_in_order(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        with reporter.detecting("frame 17"):
            reporter.inference(seconds=0.031, low_confidence=True)
        with reporter.sending("frame 17"):
            pass
    assert monitor.changes == [("detecting", "frame 17"), ("idle", ""), ("sending", "frame 17"), ("idle", "")]
    assert monitor.totals() == {"processed": 1, "low_confidence": 1, "sent_to_server": 1}
    assert monitor.durations() == [0.031]


def test_an_exception_inside_passes_through_and_the_state_goes_back_to_idle(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        with pytest.raises(ZeroDivisionError), reporter.sending("frame 1"):
            _ = 1 / 0
        assert [status for status, _ in (settle(monitor, 2), monitor.changes)[1]] == ["sending", "idle"]


def test_a_state_inside_another_gives_way_to_the_outer_one(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter, reporter.detecting("a"), reporter.sending("a"):
        pass
    assert [status for status, _ in monitor.changes] == ["detecting", "sending", "detecting", "idle"]
    assert monitor.totals()["processed"] == 1


def test_states_of_two_threads_do_not_end_each_other(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        with reporter.sending("slow"):
            quick = reporter.detecting("quick")  # held, for a dropped context manager ends itself
            other = threading.Thread(target=quick.__enter__)
            other.start()
            other.join()
            settle(monitor, 2)
        assert monitor.changes == [("sending", "slow"), ("detecting", "quick")]


@pytest.mark.parametrize(
    ("calls", "totals"),
    [
        (["detecting", "idle"], (1, 0, 0)),
        (["detecting", "detecting", "sending"], (2, 1, 1)),
        (["detecting", "sure", "idle"], (1, 0, 0)),
        (["detecting", "unsure", "sending", "idle"], (1, 1, 1)),
        (["detecting", "sure", "sure", "unsure"], (3, 1, 0)),
        (["detecting", "sure", "detecting", "detecting"], (1, 0, 0)),
        (["unsure", "sending"], (1, 1, 1)),
        (["idle", "idle"], (0, 0, 0)),
    ],
)
def test_counts_follow_the_states_until_inference_is_used(
    monitor: FakeMonitor, calls: list[str], totals: tuple[int, int, int]
) -> None:
    with StatusReporter(monitor.url) as reporter:
        for call in calls:
            if call in ("sure", "unsure"):
                reporter.inference(low_confidence=call == "unsure")
            else:
                reporter.report(call)
    assert tuple(monitor.totals().values()) == totals


def test_totals_never_fall_and_sequence_numbers_rise(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        for number in range(20):
            with reporter.detecting(f"frame {number}"):
                reporter.inference(0.01, low_confidence=number % 2 == 0)
    for name in ("processed", "low_confidence", "sent_to_server"):
        values = [report["totals"][name] for report in monitor.reports]
        assert values == sorted(values)
    numbers = [report["sequence"] for report in monitor.reports]
    assert numbers == sorted(set(numbers))
    assert len({report["session"] for report in monitor.reports}) == 1


def test_counts_alone_are_sent_too(monitor: FakeMonitor) -> None:
    reporter = StatusReporter(monitor.url)
    reporter.inference(0.5)
    settle(monitor, 1)
    assert monitor.statuses == ["idle"]
    assert monitor.totals()["processed"] == 1
    reporter.close()
    assert monitor.entered == []


def test_every_report_has_what_a_monitor_expects(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url, token="s3cret", ttl=30) as reporter:
        reporter.report("detecting", "looking", task="frame 1", task_info={"camera": 2})
    report = monitor.reports[0]
    assert {key: report[key] for key in ("status", "message", "current_task", "task_info", "ttl")} == {
        "status": "detecting",
        "message": "looking",
        "current_task": "frame 1",
        "task_info": {"camera": 2},
        "ttl": 30,
    }
    assert 0 < len(report["session"]) <= 64
    assert monitor.headers[0]["content-type"] == "application/json"
    assert monitor.headers[0]["authorization"] == "Bearer s3cret"
    assert "origin" not in monitor.headers[0]


def test_reports_share_one_connection(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        for _ in range(10):
            reporter.report("detecting")
    assert len(monitor.reports) >= 10
    assert monitor.connections == 1


def test_a_silent_script_sends_heartbeats_within_the_ttl(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url, ttl=1.0) as reporter:
        reporter.report("detecting", task="long")
        settle(monitor, 4)
        assert set(monitor.statuses) == {"detecting"}
        assert monitor.entered == ["detecting"]
        assert monitor.totals()["processed"] == 1


class Hostile:
    """An object that fails in everything one may do to it, but for its `repr`, with which the log shows it."""

    def fail(self, *_: object) -> Any:
        raise AttributeError("no")

    __str__ = __float__ = __bool__ = __eq__ = __len__ = __iter__ = __format__ = fail
    __hash__ = None  # type: ignore[assignment] # that is the test


def endless() -> dict[str, Any]:
    """Return a dictionary that contains itself."""
    inner: dict[str, Any] = {}
    inner["again"] = inner
    return inner


@pytest.mark.parametrize(
    "task_info",
    [
        {"x": math.nan},
        {"x": "\ud800"},
        {(1, 2): "tuple"},
        {"x": Hostile()},
        {"x": "y" * 1_000_000},
        "no mapping",
        {"x": {1, 2}},
        Hostile(),
        endless(),
    ],
)
def test_details_that_cannot_be_sent_do_not_hold_up_the_state(monitor: FakeMonitor, task_info: Any) -> None:
    with StatusReporter(monitor.url) as reporter:
        reporter.report("detecting", task_info=task_info)
        reporter.report("sending")
    assert monitor.entered == ["detecting", "sending", "idle"]


def test_details_are_those_of_the_moment_of_the_report(monitor: FakeMonitor) -> None:
    freed = threading.Event()

    def wait(_report: dict[str, Any], _connection: object) -> bytes:
        freed.wait(5)
        return http_reply(b'{"success": true}')

    monitor.answer = wait
    details: dict[str, Any] = {"boxes": {"first": [1, 2]}}
    with StatusReporter(monitor.url) as reporter:
        reporter.report("idle", task="holds up the next one")
        settle(monitor, 1)
        reporter.report("detecting", task_info=details)
        details["boxes"].clear()
        freed.set()
        settle(monitor, 2)
    assert monitor.reports[1]["task_info"] == {"boxes": {"first": [1, 2]}}


ODD: dict[str, Callable[[StatusReporter], object]] = {
    "status is NaN": lambda reporter: reporter.report(math.nan),  # type: ignore[arg-type] # that is the test
    "status is no text": lambda reporter: reporter.report(Hostile()),  # type: ignore[arg-type] # the same
    "message is no text": lambda reporter: reporter.report("idle", Hostile()),  # type: ignore[arg-type] # the same
    "task is no text": lambda reporter: reporter.detecting(Hostile()).__enter__(),  # type: ignore[arg-type] # the same
    "seconds are none": lambda reporter: reporter.inference(Hostile()),  # type: ignore[arg-type] # the same
    "low_confidence is no truth": lambda reporter: reporter.inference(1.0, Hostile()),  # type: ignore[arg-type] # same
}


@pytest.mark.parametrize("call", ODD.values(), ids=ODD.keys())
def test_after_one_odd_value_everything_goes_on(monitor: FakeMonitor, call: Callable[[StatusReporter], object]) -> None:
    with StatusReporter(monitor.url) as reporter:
        call(reporter)
        reporter.inference(0.25)
        reporter.report("sending")
        wait_for(lambda: "sending" in monitor.statuses, "the next report")
    assert monitor.durations()[-1] == 0.25
    assert monitor.totals()["sent_to_server"] == 1


def test_state_whose_words_are_no_text_is_shown_without_them(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        reporter.report("sending", Hostile(), task=Hostile())  # type: ignore[arg-type] # that is the test
    assert (monitor.entered[0], monitor.reports[0]["message"]) == ("sending", "")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_thread_that_dies_is_replaced(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        reporter.inference(1.0)
        settle(monitor, 1)
        (sender,) = [thread for thread in threading.enumerate() if thread.name == "cmzsb-reporter"]
        assert sender.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(sender.ident), ctypes.py_object(SystemExit))
        reporter.report("detecting", task="wakes it, to its death")
        sender.join(5)
        reporter.report("sending")
        wait_for(lambda: "sending" in monitor.statuses, "the next report")
    assert monitor.totals() == {"processed": 1, "low_confidence": 0, "sent_to_server": 1}


@pytest.mark.parametrize(
    ("ttl", "sent"),
    [
        (1, 1.0),
        (86_400.0, 86_400.0),
        ("60", 60.0),
        (0, 1.0),
        (0.5, 1.0),
        (-5, 1.0),
        (1e9, 86_400.0),
        (math.inf, 86_400.0),
        (math.nan, 60.0),
        (None, 60.0),
        ("soon", 60.0),
        (Hostile(), 60.0),
    ],
)
def test_any_ttl_becomes_one_that_the_monitor_takes(monitor: FakeMonitor, ttl: Any, sent: float) -> None:
    with StatusReporter(monitor.url, ttl=ttl) as reporter:
        reporter.report("detecting")
        settle(monitor, 1)
    assert parse_report(json.dumps(monitor.reports[0]).encode()).ttl == sent


@pytest.mark.parametrize("url", ["", "ftp://127.0.0.1", "http://", "http://[", "http://x:y", None, 7, Hostile()])
def test_wrong_url_is_logged_and_never_raises(url: Any, caplog: pytest.LogCaptureFixture) -> None:
    with StatusReporter(url) as reporter, reporter.detecting():
        reporter.inference(1.0)
    assert "not the URL of a monitor" in caplog.messages[0]


def test_state_that_could_not_be_sent_at_first_is_still_a_new_one(caplog: pytest.LogCaptureFixture) -> None:
    port = free_port()
    with StatusReporter(f"http://127.0.0.1:{port}") as reporter:
        reporter.report("sending")
        wait_for(lambda: "reports wait" in caplog.text, "the first failure")
        with FakeMonitor(port) as monitor:
            settle(monitor, 1)
            assert monitor.entered == ["sending"]


def test_report_that_may_have_arrived_is_sent_again_as_it_was(
    monitor: FakeMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kept connection breaks after the report was taken, and none can be made, also at the next attempt."""
    verdicts: list[str] = []
    exchange = module._Link.exchange

    def noted(link: Any, body: bytes) -> str:
        verdicts.append(exchange(link, body))
        return verdicts[-1]

    def take_and_go(_report: dict[str, Any], _connection: object) -> None:
        monitor.refuse()

    monkeypatch.setattr(module._Link, "exchange", noted)
    with StatusReporter(monitor.url) as reporter:
        reporter.report("detecting")
        wait_for(lambda: verdicts == ["accepted"], "the first report")
        monitor.answer = take_and_go
        reporter.inference(0.5)
        wait_for(lambda: verdicts[:3] == ["accepted", "unknown", "unsent"], "the failures")
        reporter.inference(0.75)
        with FakeMonitor(monitor.port) as second:
            settle(second, 2)
    assert second.reports[0] == monitor.reports[1]
    assert second.durations() == [0.5, 0.75]


def test_nothing_that_is_passed_in_raises_or_is_sent_unbounded(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        reporter.report("detecting", "x" * 10_000_000, task="\ud800\0")
        reporter.report("detecting", Hostile())  # type: ignore[arg-type] # that is the test
        for seconds in (math.nan, math.inf, -1.0, 1e9, "fast", Hostile(), None):
            reporter.inference(seconds)  # type: ignore[arg-type] # the same
        for number in range(5000):
            reporter.inference(number / 1e4)
    assert max(len(report["message"]) for report in monitor.reports) <= module.MAX_TEXT
    assert max(len(report.get("inference_seconds", [])) for report in monitor.reports) <= module.MAX_DURATIONS
    assert all(0 <= seconds <= 3600 for seconds in monitor.durations())


def test_a_refused_report_is_sent_again_bare_and_then_given_up(monitor: FakeMonitor) -> None:
    def picky(report: dict[str, Any], _connection: object) -> bytes:
        wrong = report["status"] == "dreaming" or report["message"] == "rude"
        return http_reply(b'{"error": "no"}', "400 Bad Request") if wrong else http_reply(b'{"success": true}')

    monitor.answer = picky
    with StatusReporter(monitor.url) as reporter:
        reporter.report("detecting", "rude")
        reporter.report("dreaming", "well")
        reporter.report("sending")
    assert [(report["status"], report["message"]) for report in monitor.reports[:5]] == [
        ("detecting", "rude"),
        ("detecting", ""),
        ("dreaming", "well"),
        ("dreaming", ""),
        ("sending", ""),
    ]


def test_a_signal_handler_may_report_at_any_moment(monitor: FakeMonitor) -> None:
    reporter = StatusReporter(monitor.url)
    previous = signal.signal(signal.SIGALRM, lambda *_: reporter.report("sending"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    try:
        for _ in range(20_000):
            reporter.report("detecting")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    reporter.close()
    assert monitor.statuses[-1] == "idle"
    assert monitor.totals()["processed"] > 19_000


def test_many_threads_lose_no_count(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:

        def work() -> None:
            for _ in range(500):
                with reporter.detecting():
                    reporter.inference(0.001, low_confidence=True)
                with reporter.sending():
                    pass

        reporter.inference()
        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert monitor.totals() == {"processed": 4001, "low_confidence": 4000, "sent_to_server": 4000}
    assert monitor.statuses[-1] == "idle"


def test_after_close_nothing_more_is_sent(monitor: FakeMonitor) -> None:
    reporter = StatusReporter(monitor.url)
    reporter.report("detecting")
    reporter.close()
    count = len(monitor.reports)
    reporter.report("sending")
    reporter.inference(1.0)
    reporter.close()
    assert len(monitor.reports) == count
    assert "cmzsb-reporter" not in [thread.name for thread in threading.enumerate()]


def test_a_pickled_reporter_is_one_of_its_own(monitor: FakeMonitor) -> None:
    with StatusReporter(monitor.url) as first:
        first.report("detecting")
        with pickle.loads(pickle.dumps(first)) as second:  # noqa: S301 (just made)
            second.report("detecting")
    assert len({report["session"] for report in monitor.reports}) == 2


def test_command_line_says_all_that_it_is_told(monitor: FakeMonitor, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    options = ["detecting", "--message", "nightly batch", "--task", "frame 17", "--ttl", "3600"]
    options += ["--inference-seconds", "0.5", "--url", monitor.url, "--token-file", str(tmp_path / "token")]
    assert module.main(options) == 0
    assert monitor.reports == [
        {
            "status": "detecting",
            "message": "nightly batch",
            "current_task": "frame 17",
            "ttl": 3600.0,
            "inference_seconds": 0.5,
        }
    ]
    assert monitor.headers[0]["authorization"] == "Bearer s3cret"


def test_command_line_takes_monitor_and_token_from_the_environment(
    monitor: FakeMonitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("s3cret\n")
    monkeypatch.setenv("CMZSB_URL", monitor.url)
    monkeypatch.setenv("CMZSB_TOKEN_FILE", str(tmp_path / "token"))
    assert module.main(["idle"]) == 0
    assert monitor.statuses == ["idle"]
    assert monitor.headers[0]["authorization"] == "Bearer s3cret"


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["dreaming"], "400"),
        (["idle", "--ttl", "nan"], "Out of range float"),
        (["idle", "--token-file", "/nowhere/token"], "No such file"),
        (["idle", "--url", "ftp://127.0.0.1"], "not the URL of a monitor"),
        (["idle", "--url", "http://127.0.0.1:1/"], "refused"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_command_line_that_fails_says_why_in_one_line(
    monitor: FakeMonitor,
    options: list[str],
    complaint: str,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monitor.answer = lambda *_: http_reply(b'{"error": "status: no"}', "400 Bad Request")
    assert module.main(["--url", monitor.url, *options]) == 1
    said = capsys.readouterr().err + caplog.text  # without a handler the log goes to stderr
    assert complaint in said
    assert said.count("\n") == 1


@pytest.mark.skipif(sys.version_info < (3, 10), reason="this Python does not list its standard library")
def test_the_file_is_python_3_7_and_imports_nothing_but_the_standard_library() -> None:
    tree = ast.parse(Path(module.__file__).read_text("utf-8"), feature_version=(3, 7))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
