"""The monitor on a disk that is full, takes no writes, or lost power."""

from __future__ import annotations

import os
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.storage.journal import FILE_NAME
from testkit.net import wait_for
from testkit.process import module
from testkit.running import RunningMonitor
from testkit.small_disk import Disk, LimitedFiles, mounted

LARGE = {"text": "x" * 15_000}
"""A `task_info` that takes a few pages of the journal, so that leftovers of free room are used up soon."""


@pytest.fixture(params=[0, 1024], ids=["", "of small blocks"])
def full_disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    with mounted(request.param) as disk:
        yield disk or LimitedFiles(tmp_path)


@pytest.fixture(params=["full", "takes no writes"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Disk]:
    if request.param == "takes no writes":
        yield LimitedFiles(tmp_path)
        return
    with mounted() as small:
        yield small or LimitedFiles(tmp_path)


def send_until_health_complains(monitor: RunningMonitor) -> int:
    for number in range(1, 200):
        assert monitor.report(status="sending", message=f"full {number}", task_info=LARGE).ok
        if monitor.get("/api/health").status_code == 503:
            return number
    raise AssertionError("the disk was never full")


def test_full_disk_in_mid_run_costs_nothing_but_health(disk: Disk) -> None:
    with RunningMonitor(disk.path) as monitor:
        assert monitor.report(status="sending", message="before").ok
        disk.fill(monitor.process.pid)
        sent = 1 + send_until_health_complains(monitor)
        assert "journal" in monitor.get("/api/health").json()["reason"]
        assert monitor.report(status="detecting").ok
        assert monitor.status()["status"] == "detecting"
        metrics = monitor.get("/metrics").text
        assert 'cmzsb_work_status{node="M5",state="detecting"} 1.0' in metrics
        assert 'cmzsb_journal_errors_total{node="M5"} 0.0' not in metrics
        disk.free(monitor.process.pid)
        wait_for(lambda: monitor.get("/api/health").ok, "recovery")
        monitor.kill_9()
        monitor.start()
        assert monitor.stats() == {"total_processed": 1, "low_confidence_count": sent, "sent_to_server": sent}
        messages = [alert["message"] for alert in monitor.get("/api/alerts?limit=1000").json()["alerts"]]
        assert messages == [*(f"full {number}" for number in range(sent - 1, 0, -1)), "before"]


@pytest.mark.parametrize("ended", ["never ran", "stopped", "killed"])
def test_start_on_a_full_disk_goes_on_from_memory_and_recovers(full_disk: Disk, ended: str) -> None:
    if isinstance(full_disk, LimitedFiles):
        start_with_files_limited(full_disk, ended)
        return
    known = 0
    if ended != "never ran":
        with RunningMonitor(full_disk.path) as monitor:
            known = 3
            for _ in range(known):
                assert monitor.report(status="sending").ok
            monitor.process.terminate() if ended == "stopped" else monitor.kill_9()
    (full_disk.path / "state").mkdir(exist_ok=True)
    full_disk.fill(0)
    # Its log is on the same disk; that it is lost must not matter.
    with RunningMonitor(full_disk.path, health=(200, 503)) as monitor:
        assert monitor.stats()["sent_to_server"] == known
        sent = known + send_until_health_complains(monitor)
        assert monitor.stats()["sent_to_server"] == sent
        full_disk.free(monitor.process.pid)
        wait_for(lambda: monitor.get("/api/health").ok, "recovery")
        monitor.kill_9()
        monitor.start()
        assert monitor.stats()["sent_to_server"] == sent
        assert len(monitor.get("/api/alerts?limit=1000").json()["alerts"]) == sent


@pytest.mark.parametrize("left", [56, 62, 68, 74])
def test_start_with_hardly_any_room_on_a_disk_of_small_blocks_is_no_crash(left: int) -> None:
    """SQLite begins, and then finds too few blocks for the log's index, which it has mapped into memory."""
    with mounted(1024) as disk:
        if disk is None:
            pytest.skip("no disk may be mounted here")
        (disk.path / "state").mkdir()
        disk.fill()
        disk.leave(left * 1024)
        with RunningMonitor(disk.path, health=(503,)) as monitor:
            assert "full" in monitor.get("/api/health").json()["reason"]
            assert monitor.report(status="sending").ok
            assert monitor.get("/api/alerts").status_code == 200
            disk.free()
            wait_for(lambda: monitor.get("/api/health").ok, "recovery")
            monitor.kill_9()
            monitor.start()
            assert monitor.stats()["sent_to_server"] == 1


def start_with_files_limited(disk: LimitedFiles, ended: str) -> None:
    """Do the same without a disk of our own: the monitor inherits a limit of no bytes at all."""
    sent = 0
    if ended != "never ran":
        with RunningMonitor(disk.path) as monitor:
            assert monitor.report(status="sending").ok
            sent = 1
            monitor.process.terminate() if ended == "stopped" else monitor.kill_9()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        monitor = RunningMonitor(disk.path, health=(503,))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with monitor:
        assert monitor.stats()["sent_to_server"] == sent
        disk.free(monitor.process.pid)
        wait_for(lambda: monitor.get("/api/health").ok, "recovery")


def test_directory_that_is_not_ours_is_refused_also_when_the_disk_is_full(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    with closing(sqlite3.connect(tmp_path / "state" / FILE_NAME)) as theirs:
        theirs.execute("CREATE TABLE theirs (x)")
    before = (tmp_path / "state" / FILE_NAME).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        command = module("exporter", "--listen", "127.0.0.1:0", "--state-dir", tmp_path / "state")
        # A pipe, for nothing can be written to a file now.
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "another program" in done.stderr
    assert (tmp_path / "state" / FILE_NAME).read_bytes() == before


def test_journal_removed_in_mid_run_is_said_and_a_new_one_has_the_totals(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path) as monitor:
        for number in range(3):
            assert monitor.report(status="sending", message=str(number)).ok
        for path in monitor.state.glob(f"{FILE_NAME}*"):
            path.unlink()
        assert monitor.report(status="sending", message="3").ok
        assert "removed or replaced" in monitor.get("/api/health").json()["reason"]
        wait_for(lambda: monitor.get("/api/health").ok, "a new journal")
        assert 'cmzsb_journal_errors_total{node="M5"} 1.0' in monitor.get("/metrics").text
        assert monitor.process.output().count("journal_failed") == 1
        monitor.kill_9()
        monitor.start()
        assert monitor.stats()["sent_to_server"] == 4
        assert [alert["message"] for alert in monitor.get("/api/alerts").json()["alerts"]] == ["3"]


def killed_after(monitor: RunningMonitor, reports: int) -> None:
    for number in range(reports):
        assert monitor.report(status="sending", message=str(number)).ok
    monitor.kill_9()


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_log_cut_by_a_power_cut_loses_only_its_end(tmp_path: Path, kept: float) -> None:
    with RunningMonitor(tmp_path) as monitor:
        killed_after(monitor, 20)
        log = monitor.state / f"{FILE_NAME}-wal"
        os.truncate(log, int(log.stat().st_size * kept))
        monitor.start()
        alerts = monitor.get("/api/alerts").json()["alerts"]
        # A prefix of what was reported, each with its count: nothing torn, nothing mixed up.
        assert [alert["message"] for alert in reversed(alerts)] == [str(number) for number in range(len(alerts))]
        assert monitor.stats()["sent_to_server"] == len(alerts) < 20
        assert monitor.report(status="sending").ok
        assert monitor.stats()["sent_to_server"] == len(alerts) + 1


def test_torn_last_page_of_the_log_loses_only_that_report(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path) as monitor:
        killed_after(monitor, 20)
        log = monitor.state / f"{FILE_NAME}-wal"
        with log.open("r+b") as file:
            file.seek(-2000, os.SEEK_END)
            file.write(b"\xa5" * 2000)
        monitor.start()
        assert monitor.stats()["sent_to_server"] == 19


def test_torn_page_of_the_journal_itself_is_said_and_the_counts_go_on(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path) as monitor:
        for number in range(300):
            assert monitor.report(status="sending", message=f"{number} " + "x" * 100).ok
        assert monitor.process.terminate() == 0
        with (monitor.state / FILE_NAME).open("r+b") as file:
            file.seek(-3000, os.SEEK_END)
            file.write(b"\xa5" * 3000)
        monitor.start()
        assert "journal_damaged" in monitor.process.output()
        assert 'cmzsb_journal_errors_total{node="M5"} 1.0' in monitor.get("/metrics").text
        assert monitor.stats()["sent_to_server"] == 300
        assert list(monitor.state.glob(f"{FILE_NAME}.damaged-*"))


def test_checkpoint_that_is_none_is_set_aside(tmp_path: Path) -> None:
    with RunningMonitor(tmp_path) as monitor:
        assert monitor.report(status="sending").ok
        assert monitor.process.terminate() == 0
        with closing(sqlite3.connect(monitor.state / FILE_NAME)) as database:
            database.execute("UPDATE snapshot SET json = '[]'")
            database.commit()
        monitor.start()
        assert "journal_damaged" in monitor.process.output()
        assert list(monitor.state.glob(f"{FILE_NAME}.damaged-*"))
