"""What survives: restarts, damage, a full disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exporter.journal import FILE_NAME, Journal
from exporter.records import ALERTS_LIMIT, Alert, Batch
from servicekit.cli import StartError
from tests.exporter.monitors import running_monitor
from tests.support.net import wait_for


def send(directory: Path, times: int) -> None:
    with running_monitor(directory) as monitor:
        client = monitor.app.test_client()
        for number in range(times):
            assert (
                client.post("/api/update_status", json={"status": "sending", "message": str(number)}).status_code == 200
            )


def test_totals_alerts_and_history_go_on_after_a_restart(tmp_path: Path) -> None:
    send(tmp_path, 3)
    with running_monitor(tmp_path) as monitor:
        client = monitor.app.test_client()
        client.post("/api/update_status", json={"status": "idle"})
        assert client.get("/api/status").get_json()["stats"]["sent_to_server"] == 3
        assert len(client.get("/api/alerts").get_json()["alerts"]) == 3
        assert "sending" in [row["status"] for row in client.get("/api/history").get_json()]


def test_damaged_file_is_set_aside_and_what_can_be_read_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    send(tmp_path, 3)
    file = tmp_path / FILE_NAME
    content = bytearray(file.read_bytes())
    content[-4096:] = b"\xff" * 4096
    file.write_bytes(content)
    with running_monitor(tmp_path) as monitor:
        assert monitor.app.test_client().get("/api/health").status_code == 200
        if monitor.journal.errors:
            assert list(tmp_path.glob(f"{FILE_NAME}.damaged-*"))
            assert "journal_damaged" in caplog.text


def test_file_of_rubbish_is_set_aside_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"rubbish" * 5000)
    with running_monitor(tmp_path) as monitor:
        assert monitor.journal.errors == 1
    assert "journal_damaged" in caplog.text
    kept = list(tmp_path.glob(f"{FILE_NAME}.damaged-*"))
    assert kept[0].read_bytes().startswith(b"rubbish")


def test_journal_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    send(tmp_path, 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("PRAGMA user_version = 99")
    before = (tmp_path / FILE_NAME).read_bytes()
    with pytest.raises(StartError, match="newer version"):
        Journal(tmp_path)
    assert (tmp_path / FILE_NAME).read_bytes() == before


def test_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("CREATE TABLE theirs (x)")
    with pytest.raises(StartError, match="another program"):
        Journal(tmp_path)


def test_directory_in_the_way_is_one_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(StartError, match="cannot be opened"):
        Journal(tmp_path)


def test_second_monitor_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    with running_monitor(tmp_path), pytest.raises(StartError, match="in use by another monitor"):
        Journal(tmp_path)


def test_full_disk_is_told_and_recovered_from_without_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_monitor(tmp_path) as monitor:
        client = monitor.app.test_client()
        write = monitor.journal._store.write

        def full(batch: Batch) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        monkeypatch.setattr(monitor.journal._store, "write", full)
        assert client.post("/api/update_status", json={"status": "sending", "message": "kept"}).status_code == 200
        assert client.get("/api/status").get_json()["status"] == "sending"
        assert client.get("/api/alerts").get_json()["alerts"][0]["message"] == "kept"
        assert client.get("/api/health").status_code == 503
        assert b"cmzsb_journal_errors_total" in client.get("/metrics").data
        assert monitor.journal.errors > 0
        monkeypatch.setattr(monitor.journal._store, "write", write)
        wait_for(lambda: client.get("/api/health").status_code == 200, "recovery", 10)
    with running_monitor(tmp_path) as monitor:
        assert monitor.app.test_client().get("/api/alerts").get_json()["alerts"][0]["message"] == "kept"


def test_alerts_are_bounded(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    try:
        for first in (1, ALERTS_LIMIT - 500, ALERTS_LIMIT + 1):
            batch = Batch()
            batch.alerts.extend(Alert(first + n, 1, 0.0, "warning", "", None) for n in range(1000))
            journal.wait(journal.append(batch))
        kept = journal.alerts(2 * ALERTS_LIMIT).rows
    finally:
        journal.close()
    assert kept[0].id == ALERTS_LIMIT + 1000
    assert kept[-1].id > 1000
