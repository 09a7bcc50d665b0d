"""Damaged journals: quarantined, and what can be read is recovered."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from exporter.status.records import UNWRITTEN_LIMIT
from exporter.storage.journal import FILE_NAME, Journal
from testkit.journals import damaged, destroy, send, transition
from testkit.monitors import running_monitor


@pytest.mark.parametrize(
    ("table", "totals", "alerts", "states"),
    [("alerts", 3, 0, ["idle"]), ("transitions", 3, 3, []), ("sessions", 3, 3, ["idle"]), ("snapshot", 0, 0, [])],
)
def test_damaged_file_is_set_aside_and_what_can_be_read_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, table: str, totals: int, alerts: int, states: list[str]
) -> None:
    send(tmp_path, 3)
    destroy(tmp_path, table)
    with running_monitor(tmp_path) as monitor:
        client = monitor.app.test_client()
        assert monitor.journal.errors == 1
        assert client.get("/api/health").status_code == 200
        assert client.get("/api/status").get_json()["stats"]["sent_to_server"] == totals
        assert len(client.get("/api/alerts").get_json()["alerts"]) == alerts
        assert [row.state for row in monitor.journal.transitions(10, since=0.0).rows] == states
        assert client.post("/api/update_status", json={"status": "sending"}).status_code == 200
    assert caplog.text.count("journal_damaged") == 1
    assert len(damaged(tmp_path)) == 1
    with running_monitor(tmp_path) as monitor:
        assert monitor.journal.errors == 0
        assert monitor.status.view().totals.sent_to_server == totals + 1


def test_history_of_a_damaged_file_is_rescued_whole_however_long(tmp_path: Path) -> None:
    send(tmp_path, 1)
    count = 2 * UNWRITTEN_LIMIT + 7
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.executemany(
            "INSERT OR REPLACE INTO transitions VALUES (?, ?, ?, ?, ?)", map(transition, range(1, count + 1))
        )
        database.commit()
    destroy(tmp_path, "alerts")
    with closing(Journal(tmp_path)) as journal:
        assert journal.errors == 1
        assert len(journal.transitions(3 * UNWRITTEN_LIMIT, since=0.0).rows) == count


@pytest.mark.parametrize(("field", "value"), [("state", "flying"), ("version", "7")])
def test_status_that_this_version_cannot_go_on_from_is_set_aside_loudly(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, field: str, value: str
) -> None:
    send(tmp_path, 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("UPDATE snapshot SET json = json_set(json, '$.' || ?, ?)", (field, value))
        database.commit()
    with running_monitor(tmp_path) as monitor:
        assert monitor.journal.errors == 1
    assert f"{field} is '{value}'" in caplog.text
    assert list(tmp_path.glob(f"{FILE_NAME}.damaged-*"))


def test_session_that_is_none_is_damage(tmp_path: Path) -> None:
    send(tmp_path, 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.execute("INSERT INTO sessions VALUES (1, 's', 'first', 0, 0, 0)")
        database.commit()
    with running_monitor(tmp_path) as monitor:
        assert monitor.journal.errors == 1
        assert monitor.status.view().totals.sent_to_server == 1


def test_files_set_aside_in_the_same_second_stay_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 7.0)  # a board that boots in 1970, each time
    for number in range(3):
        (tmp_path / FILE_NAME).write_bytes(b"rubbish %d " % number * 1000)
        (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"log %d" % number)
        with closing(Journal(tmp_path)) as journal:
            assert journal.errors == 1
    assert [path.read_bytes()[:9] for path in damaged(tmp_path)] == [b"rubbish 0", b"rubbish 1", b"rubbish 2"]


def test_file_of_rubbish_is_set_aside_loudly(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"rubbish" * 5000)
    with running_monitor(tmp_path) as monitor:
        assert monitor.journal.errors == 1
    assert "journal_damaged" in caplog.text
    kept = list(tmp_path.glob(f"{FILE_NAME}.damaged-*"))
    assert kept[0].read_bytes().startswith(b"rubbish")
