"""The monitor as a process: killed, stopped, started wrongly, spoken to badly."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from exporter.api import MAX_WAITERS
from exporter.reporter import StatusReporter
from tests.support.net import free_port, wait_for
from tests.support.process import module
from tests.support.running import RunningMonitor


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[RunningMonitor]:
    with RunningMonitor(tmp_path) as running:
        yield running


def post_until_it_fails(url: str, first: int) -> int:
    """Report `detecting` and `sending` in turn, sendings numbered from `first`; return the last one acknowledged."""
    number = first - 1
    with requests.Session() as session:
        try:
            while True:
                session.post(f"{url}/api/update_status", json={"status": "detecting"}, timeout=5).raise_for_status()
                report = {"status": "sending", "message": str(number + 1)}
                session.post(f"{url}/api/update_status", json=report, timeout=5).raise_for_status()
                number += 1
        except requests.ConnectionError:
            return number


def test_no_acknowledged_report_is_lost_by_kill_9(monitor: RunningMonitor) -> None:
    last = 0
    for _ in range(5):
        assassin = threading.Timer(0.4, lambda: os.kill(monitor.process.pid, signal.SIGKILL))
        assassin.start()
        acknowledged = post_until_it_fails(monitor.url, last + 1)
        assassin.join()
        monitor.process.kill()
        monitor.start()
        assert acknowledged > last
        # Written, but killed before the reply: one at most.
        last = monitor.stats()["sent_to_server"]
        assert last in (acknowledged, acknowledged + 1)
        messages = [alert["message"] for alert in monitor.get("/api/alerts?limit=1000").json()["alerts"]]
        assert messages == [str(number) for number in range(last, 0, -1)][:1000]
        states = [row["status"] for row in monitor.get("/api/history").json()]
        assert states == ["idle", *["detecting", "sending"] * (last + 1)][: len(states)]
        assert len(states) - 1 in (2 * last, 2 * last + 1)


def test_sigterm_releases_waiters_and_ends_well(monitor: RunningMonitor) -> None:
    version = monitor.status()["version"]
    replies: list[int] = []

    def wait() -> None:
        replies.append(requests.get(f"{monitor.url}/api/status?wait=20&since={version}", timeout=30).status_code)

    waiters = [threading.Thread(target=wait) for _ in range(MAX_WAITERS + 1)]
    for waiter in waiters:
        waiter.start()
    wait_for(lambda: replies == [200], "an answer at once to one, because all the others wait")
    assert monitor.process.terminate(within=5) == 0
    for waiter in waiters:
        waiter.join(5)
    assert replies == [200] * (MAX_WAITERS + 1)


def test_reporter_delivers_its_counts_after_an_outage(monitor: RunningMonitor) -> None:
    with StatusReporter(monitor.url) as reporter:
        with reporter.detecting("a"):
            reporter.inference(0.01)
        wait_for(lambda: monitor.stats()["total_processed"] == 1, "the first count")
        monitor.process.kill()
        for _ in range(50):
            with reporter.sending("b"):
                reporter.inference(0.01, low_confidence=True)
        monitor.start()
        wanted = {"total_processed": 51, "low_confidence_count": 50, "sent_to_server": 50}
        wait_for(lambda: monitor.stats() == wanted, "all counts", 20)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"431"),
        (b"GET /api/status HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", b"431"),
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"GET /api/status HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"421"),
        (
            b"POST /api/update_status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 900000\r\nConnection: close\r\n\r\n{}",
            b"413",
        ),
        (
            b"POST /api/update_status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
            b"4",
        ),
    ],
    ids=["long path", "long header", "garbage", "foreign host", "huge body", "smuggling"],
)
def test_bad_request_is_one_json_error(monitor: RunningMonitor, raw: bytes, status: bytes) -> None:
    head, _, body = monitor.talk(raw).partition(b"\r\n\r\n")
    assert head.split(b" ")[1].startswith(status)
    assert body.startswith(b'{"error"')
    assert b"Traceback" not in body
    assert monitor.stats()["sent_to_server"] == 0


def run(*options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(module("exporter", *options), capture_output=True, text=True, timeout=20, check=False)


def test_busy_port_is_one_line(monitor: RunningMonitor, tmp_path: Path) -> None:
    done = run("--listen", monitor.address, "--state-dir", tmp_path / "other")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Address already in use" in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--listen", "8000"),
        ("--node-name", "<M5>"),
        ("--report-ttl", "0"),
        ("--trusted-writers", "everybody"),
        ("--nonsense",),
    ],
)
def test_wrong_option_is_one_line(options: tuple[str, ...]) -> None:
    done = run(*options)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_state_directory_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("--listen", "127.0.0.1:0", "--state-dir", tmp_path / "file" / "state")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)


def test_shell_scripts_can_report(monitor: RunningMonitor) -> None:
    command: list[Any] = [*module("exporter.reporter", "sending", "--task", "batch"), "--url", monitor.url]
    assert subprocess.run(command, check=False).returncode == 0
    assert monitor.stats()["sent_to_server"] == 1
    command[-1] = f"http://127.0.0.1:{free_port()}"
    failed = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
