"""The monitor as a process: killed, stopped, started wrongly, spoken to badly."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from flask import Flask

from exporter import __main__ as main_module
from exporter.reporter import StatusReporter
from exporter.web.api import HISTORY_LIMIT, MAX_WAITERS
from servicekit.address import Address
from testkit.net import free_port, wait_for
from testkit.process import module
from testkit.running import RunningMonitor

WITH_IPV6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[RunningMonitor]:
    with RunningMonitor(tmp_path) as running:
        yield running


def post_until_it_fails(url: str, first: int, acknowledged: threading.Event) -> int:
    """Report `detecting` and `sending` in turn, sendings numbered from `first`; return the last one acknowledged."""
    number = first - 1
    with requests.Session() as session:
        try:
            while True:
                session.post(f"{url}/api/update_status", json={"status": "detecting"}, timeout=5).raise_for_status()
                report = {"status": "sending", "message": str(number + 1)}
                session.post(f"{url}/api/update_status", json=report, timeout=5).raise_for_status()
                number += 1
                acknowledged.set()
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError):  # the latter in mid-reply
            return number


def kill_soon_after(begun: threading.Event, process: int) -> None:
    begun.wait(20)
    time.sleep(0.4)
    os.kill(process, signal.SIGKILL)


def test_no_acknowledged_report_is_lost_by_kill_9(monitor: RunningMonitor) -> None:
    last = 0
    for _ in range(5):
        begun = threading.Event()
        assassin = threading.Thread(target=kill_soon_after, args=(begun, monitor.process.pid))
        assassin.start()
        acknowledged = post_until_it_fails(monitor.url, last + 1, begun)
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


class Load(threading.Thread):
    """A client that asks and reports without a pause until the monitor is gone."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self.codes: Counter[int] = Counter()
        self.start()

    def run(self) -> None:
        with requests.Session() as session, contextlib.suppress(requests.RequestException):
            while True:
                for request in (
                    requests.Request("POST", f"{self._url}/api/update_status", json={"status": "idle"}),
                    requests.Request("GET", f"{self._url}/metrics"),
                ):
                    self.codes[session.send(session.prepare_request(request), timeout=5).status_code] += 1


def fill_history(monitor: RunningMonitor) -> None:
    """Give the monitor a history of one whole page."""
    with contextlib.closing(sqlite3.connect(monitor.state / "journal.sqlite3", timeout=10)) as database, database:
        rows = ((n, time.time() - 1) for n in range(1_000_000, 1_000_000 + HISTORY_LIMIT))
        database.executemany("INSERT INTO transitions VALUES (?, 1, ?, 'idle', 1.0)", rows)


def test_sigterm_under_load_answers_all_waiters_and_ends_within_two_seconds(monitor: RunningMonitor) -> None:
    assert monitor.report(status="idle").ok
    version = monitor.status()["version"]
    codes: list[int] = []
    ending = threading.Event()

    def wait() -> None:
        code = 0
        while not ending.is_set():  # answered before, the question below has taken the place
            code = requests.get(f"{monitor.url}/api/status?wait=20&since={version}", timeout=30).status_code
        codes.append(code)

    waiters = [threading.Thread(target=wait) for _ in range(MAX_WAITERS)]
    for waiter in waiters:
        waiter.start()

    def are_all_waiting() -> bool:
        # One more is answered at once when all places are taken.
        began = time.monotonic()
        monitor.get(f"/api/status?wait=2&since={version}")
        return time.monotonic() - began < 1.5

    wait_for(are_all_waiting, "eight waiters", 15)
    load = [Load(monitor.url) for _ in range(4)]
    wait_for(lambda: all(sum(each.codes.values()) > 4 for each in load), "the load", 20)
    ending.set()
    assert not codes
    began = time.monotonic()
    assert monitor.process.terminate() == 0
    assert time.monotonic() - began < 2.0
    for waiter in waiters:
        waiter.join(5)
    assert codes == [200] * MAX_WAITERS
    for each in load:
        each.join(10)
        assert each.codes.keys() == {200}
    assert "Traceback" not in monitor.process.output()


def test_sigterm_in_the_middle_of_a_large_reply_lets_it_be_read_to_its_end(monitor: RunningMonitor) -> None:
    fill_history(monitor)
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        peer.settimeout(10)
        host, _, port = monitor.address.partition(":")
        peer.connect((host, int(port)))
        peer.sendall(b"GET /api/history HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = peer.recv(1000)
        os.kill(monitor.process.pid, signal.SIGTERM)
        wait_for(lambda: not accepts(monitor), "the closed door", 10)
        while piece := peer.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert len(json.loads(body)) == HISTORY_LIMIT
    wait_for(lambda: not monitor.process.running, "the end", 2)
    assert monitor.process.terminate() == 0


def test_sigterm_does_not_wait_for_a_client_that_reads_nothing(monitor: RunningMonitor) -> None:
    fill_history(monitor)
    with contextlib.ExitStack() as stack:
        for _ in range(3):
            peer = stack.enter_context(monitor.connect())
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            peer.sendall(b"GET /api/history HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20)
            assert peer.recv(100)
        began = time.monotonic()
        assert monitor.process.terminate() == 0
        assert time.monotonic() - began < 2.0


def accepts(monitor: RunningMonitor) -> bool:
    try:
        monitor.connect().close()
    except ConnectionRefusedError:
        return False
    return True


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


def test_reports_refused_before_they_reach_the_api_are_noted_too(monitor: RunningMonitor) -> None:
    post = "POST /api/update_status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{}\r\n\r\n"
    for header, code in (
        ("Content-Length: 300000", 413),
        ("Transfer-Encoding: chunked", 400),
        ("Content-Length: -1", 400),
        ("Transfer-Encoding: gzip", 400),
    ):
        assert monitor.talk(post.format(header).encode()).startswith(b"HTTP/1.1 %d" % code)
    for _ in range(11):
        assert monitor.report(status="flying").status_code == 400
    assert 'cmzsb_reports_total{node="M5",result="rejected"} 15.0' in monitor.get("/metrics").text
    lines = [line for line in monitor.process.output().splitlines() if "report_rejected" in line]
    assert len(lines) == 10
    assert "code=413" in lines[0]
    assert "peer=127.0.0.1" in lines[0]


def test_log_has_no_line_per_request(monitor: RunningMonitor) -> None:
    monitor.report(status="idle")
    before = monitor.process.output()
    for path in ("/api/status", "/metrics", "/", "/nothing"):
        monitor.get(path)
    monitor.report(status="idle")
    assert monitor.process.output() == before


def report_from(source: str, port: int, host: str = "127.0.0.1") -> int:
    """Report over loopback from the address `source` under the name `host`; return the HTTP status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0))
    with contextlib.closing(connection):
        headers = {"Content-Type": "application/json", "Host": host}
        connection.request("POST", "/api/update_status", b'{"status":"sending"}', headers)
        return connection.getresponse().status


@pytest.mark.parametrize("listen", ["127.0.0.1", pytest.param("[::]", marks=WITH_IPV6)])
def test_loopback_may_always_write_under_the_known_names(tmp_path: Path, listen: str) -> None:
    port = free_port()
    options = ("--trusted-writers", "10.0.0.0/8", "--host-names", "wall.example, Board.lan")
    listening = ("--listen", f"{listen}:{port}")
    with RunningMonitor(tmp_path, *options, *listening, address=f"127.0.0.1:{port}"):
        assert [report_from(source, port) for source in ("127.0.0.1", "127.8.255.9")] == [200, 200]
        assert [report_from("127.0.0.1", port, host) for host in ("WALL.example:80", "board.lan", "m5")] == [200] * 3
        assert report_from("127.0.0.1", port, "lan") == 421


class CapturedServer:
    """Stands for the server in this process; keeps the application and the replies to `reports_from`."""

    reports_from = ("127.0.0.1", "10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "192.0.2.8")
    codes: ClassVar[list[int]] = []

    def __init__(self, app: Flask, listen: Address, *_: object) -> None:
        self.app, self.address = app, listen

    def run(self, before_stop: Callable[[], None]) -> None:
        for peer in self.reports_from:
            reply = self.app.test_client().post(
                "/api/update_status", json={"status": "idle"}, environ_base={"REMOTE_ADDR": peer}
            )
            self.codes.append(reply.status_code)
        before_stop()


def test_networks_of_the_option_may_write_besides_loopback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main_module, "Server", CapturedServer)
    monkeypatch.setattr(main_module.log, "configure", lambda level: None)
    options = ["--trusted-writers", "10.0.0.0/8, 192.0.2.7", "--state-dir", str(tmp_path), "--node-name", "M5"]
    main_module.command.main(options, standalone_mode=False)
    assert CapturedServer.codes == [200, 200, 200, 200, 403]


def test_node_answers_for_the_loopback_address_that_it_listens_on(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path, address=f"127.0.0.2:{free_port('127.0.0.2')}") as monitor:
        assert monitor.get("/api/nodes/127.0.0.2/status").json()["node_id"] == "M5"
        assert monitor.get("/api/nodes/127.0.0.3/status").status_code == 404


def test_name_to_listen_on_is_one_address(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path, address=f"localhost:{free_port()}") as monitor:
        assert f"listening address={monitor.address} " in monitor.process.output()


def run(*options: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(module("exporter", *options), capture_output=True, text=True, timeout=20, check=False)


def seconds_of(*options: str | Path) -> float:
    """Return how long a run takes at best of three."""
    durations = []
    for _ in range(3):
        began = time.monotonic()
        run(*options)
        durations.append(time.monotonic() - began)
    return min(durations)


def test_busy_port_is_one_line(monitor: RunningMonitor, tmp_path: Path) -> None:
    options = ("--listen", monitor.address, "--state-dir", tmp_path / "other")
    done = run(*options)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "Address already in use" in done.stderr
    # A second, or what a busy machine needs for the start of Python alone.
    assert seconds_of(*options) < max(1.0, 2 * seconds_of("--version"))


def test_host_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    done = run("--listen", "nosuchhost.invalid:1", "--state-dir", tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "cannot listen on nosuchhost.invalid:1: " in done.stderr


@pytest.mark.parametrize(
    "options",
    [
        ("--listen", "8000"),
        ("--node-name", "<M5>"),
        ("--report-ttl", "0"),
        ("--trusted-writers", "everybody"),
        ("--alertmanager-url", "ftp://user:secret@head"),
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


@pytest.mark.parametrize(
    ("options", "link"), [((), None), (("--alertmanager-url", "http://reader:secret@head:9093"), "http://head:9093")]
)
def test_page_learns_where_alertmanager_is_and_not_its_password(
    options: tuple[str, ...], link: str | None, tmp_path: Path
) -> None:
    with RunningMonitor(tmp_path, *options) as monitor:
        assert monitor.get("/static/links.json").json() == {"alertmanager": link}
        assert "secret" not in monitor.process.output()
