"""The journal's file: bounded, and its failures told apart."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from exporter.report import Totals
from exporter.status.checkpoint import Checkpoint
from exporter.status.records import ALERTS_LIMIT, TRANSITIONS_LIMIT, PersistedState
from exporter.status.sessions import SESSIONS_LIMIT, Session
from exporter.storage.journal import FILE_NAME, Journal
from exporter.storage.store import Store, is_disk_full
from servicekit.errors import StartError
from testkit.journals import alert, batch, rows, transition


@pytest.mark.parametrize("limit", [ALERTS_LIMIT, TRANSITIONS_LIMIT])
def test_rows_beyond_the_limit_are_deleted_the_oldest_first(tmp_path: Path, limit: int) -> None:
    with closing(Journal(tmp_path)) as journal:
        for numbers in (range(1, 6), range(limit + 1, limit + 4)):
            found = batch(map(alert, numbers), map(transition, numbers))
            journal.wait(journal.append(found))
        alerts, transitions = rows(journal)
    bounded = alerts if limit == ALERTS_LIMIT else transitions
    assert [row.id for row in bounded] == [limit + 3, limit + 2, limit + 1, 5, 4]


def test_directory_in_the_way_is_one_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with pytest.raises(StartError, match="cannot be opened"):
        Journal(tmp_path)


@pytest.mark.parametrize(
    ("code", "text", "is_full"),
    [
        (None, "database or disk is full", True),
        (None, "disk I/O error", True),
        (None, "unable to open database file", False),
        (13, "in other words", True),
        (10 | 19 << 8, "in other words", True),
        (14, "database or disk is full", False),
    ],
)
def test_full_disk_is_known_by_its_code_and_before_python_3_11_by_its_words(
    code: int | None, text: str, is_full: bool
) -> None:
    error = sqlite3.OperationalError(text)
    if code is not None:
        error.sqlite_errorcode = code
    assert is_disk_full(error) is is_full


def test_what_is_written_is_loaded_and_listed(tmp_path: Path) -> None:
    session = Session("s", Totals(3, 2, 1), 7)
    checkpoint = Checkpoint.blank(60.0, 1000.0)
    with closing(Store.open(tmp_path / FILE_NAME)) as store:
        assert store.load() == PersistedState()
        store.write(batch(map(alert, (1, 2)), map(transition, (1, 2)), checkpoint=checkpoint, sessions={"s": session}))
    with closing(Store.open(tmp_path / FILE_NAME)) as store:
        assert store.load() == PersistedState(checkpoint, (session,))
    with closing(Store.reader(tmp_path / FILE_NAME)) as store:
        assert list(store.alerts(before=2)) == [alert(1)]
        assert list(store.transitions(since=0.0, before=9)) == [transition(2), transition(1)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            store.write(batch([alert(3)]))


def test_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    with closing(Store.open(tmp_path / FILE_NAME)) as store:
        with pytest.raises(sqlite3.Error):
            store.write(batch([alert(1)], [transition(1)._replace(state=None)]))  # type: ignore[arg-type]
        assert list(store.alerts(before=9)) == []
        store.write(batch([alert(1)]))
        assert list(store.alerts(before=9)) == [alert(1)]


@pytest.mark.parametrize("part", ["", "-wal", "-shm"])
def test_store_notices_that_one_of_its_files_was_removed(tmp_path: Path, part: str) -> None:
    with closing(Store.open(tmp_path / FILE_NAME)) as store:
        assert store.is_in_place()
        (tmp_path / f"{FILE_NAME}{part}").unlink()
        assert not store.is_in_place()


def test_sessions_beyond_the_limit_are_deleted_the_least_recently_used_first(tmp_path: Path) -> None:
    sessions = {f"s{number}": Session(f"s{number}") for number in range(SESSIONS_LIMIT)}
    with closing(Store.open(tmp_path / FILE_NAME)) as store:
        store.write(batch(sessions=sessions))
        store.write(batch(sessions={"s0": Session("s0"), "new": Session("new")}))
        kept = [session.name for session in store.load().sessions]
    assert kept == [*list(sessions)[2:], "s0", "new"]
