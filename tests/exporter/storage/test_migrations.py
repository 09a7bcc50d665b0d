"""The schema: older files are migrated, foreign and newer ones refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exporter.storage import migrations
from exporter.storage.journal import FILE_NAME, Journal
from exporter.storage.migrations import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION
from servicekit.errors import StartError
from testkit.journals import send
from testkit.monitors import running_monitor


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


def test_step_of_the_schema_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(tmp_path, 2)
    step = ("CREATE TABLE more (text)", "INSERT INTO more VALUES ('one; two')")
    for broken in (True, False):
        steps = (*MIGRATIONS, (*step, "INSERT INTO nowhere VALUES (1)") if broken else step)
        monkeypatch.setattr(migrations, "MIGRATIONS", steps)
        monkeypatch.setattr(migrations, "SCHEMA_VERSION", len(steps))
        if broken:
            with pytest.raises(StartError, match="cannot be opened"):
                Journal(tmp_path)
    send(tmp_path, 1)
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        assert database.execute("SELECT text FROM more").fetchall() == [("one; two",)]
        assert database.execute("PRAGMA user_version").fetchone() == (len(steps),)
        assert database.execute("SELECT count(*) FROM alerts").fetchone() == (3,)


def test_journal_of_the_first_version_goes_on_with_an_index(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        database.executescript(";".join(MIGRATIONS[0]))
        database.execute("INSERT INTO transitions VALUES (1, 1, 5.0, 'sending', 2.0)")
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("PRAGMA user_version = 1")
        database.commit()
    with running_monitor(tmp_path) as monitor:
        assert [row.seconds for row in monitor.journal.transitions(10, since=0.0).rows] == [2.0]
    with closing(sqlite3.connect(tmp_path / FILE_NAME)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
        assert database.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND name LIKE 'tr%'").fetchone()
