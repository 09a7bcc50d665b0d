"""The journal's file: one SQLite database in WAL mode, its schema, and what to do with a file that is not it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from exporter.records import ALERTS_LIMIT, TRANSITIONS_LIMIT, Alert, Batch, Stored, Transition
from exporter.snapshot import Snapshot
from exporter.totals import SESSIONS_LIMIT, Session, Totals
from servicekit.cli import StartError

APPLICATION_ID: Final = 0x434D5A53
"""Marks the file as ours (`PRAGMA application_id`): "CMZS"."""

_MIGRATIONS: Final = (
    """
    CREATE TABLE snapshot (only INTEGER PRIMARY KEY CHECK (only = 1), json TEXT NOT NULL);
    CREATE TABLE sessions (
        used INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, sequence INTEGER NOT NULL,
        processed INTEGER NOT NULL, low_confidence INTEGER NOT NULL, sent_to_server INTEGER NOT NULL);
    CREATE TABLE transitions (
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL, entered REAL NOT NULL, state TEXT NOT NULL,
        seconds REAL NOT NULL);
    CREATE TABLE alerts (
        id INTEGER PRIMARY KEY, run INTEGER NOT NULL, timestamp REAL NOT NULL, level TEXT NOT NULL,
        message TEXT NOT NULL, task_info TEXT);
    """,
    """
    CREATE INDEX transitions_left ON transitions (entered + seconds);
    """,
)
"""Step i takes a file from schema version i to i + 1; a released step never changes."""
SCHEMA_VERSION: Final = len(_MIGRATIONS)


_NO_ROOM: Final = frozenset({"database or disk is full", "disk I/O error"})
"""What SQLite says on a full disk: the second where the file of the shared log index cannot grow."""


class DamagedError(Exception):
    """The file is not a database, or a damaged one."""


class Store:
    """An open journal file. Not thread-safe; any method may raise `sqlite3.Error`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open or create the file, bringing an older schema up to date.

        Raises `DamagedError` when it cannot be read, `StartError` when it is somebody else's or of a newer version,
        `sqlite3.OperationalError` when the disk does not let us.
        """
        connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
        try:
            _identify(connection, path)
            # FULL syncs the log at every commit: what was acknowledged survives a power cut.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "journal_size_limit=4194304"):
                connection.execute(f"PRAGMA {pragma}")
            _migrate(connection)
        except sqlite3.OperationalError:
            connection.close()
            raise
        except sqlite3.DatabaseError as error:
            connection.close()
            raise DamagedError(str(error)) from None
        except BaseException:
            connection.close()
            raise
        return cls(connection)

    @classmethod
    def reader(cls, path: Path) -> Store:
        """Open the existing file for reading only."""
        return cls(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0))

    @staticmethod
    def peek(path: Path) -> Stored:
        """Read what goes on after a restart from a file that `open` has no room to open. Raises as `open` does."""
        with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as connection:
            # Alone with the file, SQLite keeps the log's index in memory and needs no room on the disk.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            try:
                _identify(connection, path)
                is_new = _pragma(connection, "schema_version") == 0
                return Stored() if is_new else Store(connection).load()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                raise DamagedError(str(error)) from None

    def close(self) -> None:
        """Close the file; the log is merged into it."""
        self._connection.close()

    def load(self) -> Stored:
        """Read what goes on after a restart. Raises `DamagedError` when that is not what was written."""
        try:
            return Stored(_load_snapshot(self._connection), tuple(_load_sessions(self._connection)))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise DamagedError(str(error)) from None

    def write(self, batch: Batch) -> None:
        """Write `batch` in one transaction that is on disk when this returns; on an error nothing of it is."""
        with _transaction(self._connection) as execute:
            for run, seconds in batch.shifts.items():  # before the rows of this batch, which are dated right
                execute("UPDATE transitions SET entered = entered + ? WHERE run = ?", (seconds, run))
                execute("UPDATE alerts SET timestamp = timestamp + ? WHERE run = ?", (seconds, run))
            for session in batch.sessions.values():
                execute("DELETE FROM sessions WHERE name = ?", (session.name,))
                execute(
                    "INSERT INTO sessions (name, sequence, processed, low_confidence, sent_to_server)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (session.name, session.sequence, *session.totals),
                )
            self._connection.executemany("INSERT OR REPLACE INTO transitions VALUES (?, ?, ?, ?, ?)", batch.transitions)
            self._connection.executemany("INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?, ?)", batch.alerts)
            if batch.snapshot:
                execute("INSERT OR REPLACE INTO snapshot VALUES (1, ?)", (batch.snapshot.to_json(),))
            self._prune(batch)

    def _prune(self, batch: Batch) -> None:
        execute = self._connection.execute
        if batch.transitions:
            oldest = batch.transitions[-1].id - TRANSITIONS_LIMIT
            execute("DELETE FROM transitions WHERE id <= ?", (oldest,))
        if batch.alerts:
            execute("DELETE FROM alerts WHERE id <= ?", (batch.alerts[-1].id - ALERTS_LIMIT,))
        if batch.sessions:
            execute(
                "DELETE FROM sessions WHERE used NOT IN (SELECT used FROM sessions ORDER BY used DESC LIMIT ?)",
                (SESSIONS_LIMIT,),
            )

    def transitions(self, since: float, before: int) -> Iterator[Transition]:
        """Yield the finished stays that lasted past `since` and have an id below `before`, newest first."""
        # The index finds the first id; from there the rows are read in their own order, as many as are wanted. Not the
        # order of time: a wall clock that was set back between two runs leaves older rows with later times.
        rows = self._connection.execute(
            "SELECT * FROM transitions NOT INDEXED WHERE id < :before AND entered + seconds > :since AND id >="
            " (SELECT min(id) FROM transitions INDEXED BY transitions_left WHERE entered + seconds > :since)"
            " ORDER BY id DESC",
            {"since": since, "before": before},
        )
        return (Transition(*row) for row in rows)

    def alerts(self, before: int) -> Iterator[Alert]:
        """Yield the alerts with an id below `before`, newest first."""
        rows = self._connection.execute("SELECT * FROM alerts WHERE id < ? ORDER BY id DESC", (before,))
        return (Alert(*row) for row in rows)


def is_disk_full(error: sqlite3.Error) -> bool:
    """Return whether `error` can go away by itself, once there is room on the disk."""
    return str(error) in _NO_ROOM


def salvage(path: Path) -> Batch:
    """Read from a damaged file whatever can still be read; never raises for what it finds there."""
    batch = Batch()
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return batch
    with closing(connection):
        try:
            batch.snapshot = _load_snapshot(connection)
        except sqlite3.Error:
            return batch
        with _until_damage():
            batch.sessions.update((session.name, session) for session in _load_sessions(connection))
        with _until_damage():
            for row in connection.execute("SELECT * FROM alerts ORDER BY id"):
                batch.alerts.append(Alert(*row))
        with _until_damage():
            for row in connection.execute("SELECT * FROM transitions ORDER BY id"):
                batch.transitions.append(Transition(*row))
    return batch


@contextmanager
def _until_damage() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, TypeError):
        return


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[Callable[..., sqlite3.Cursor]]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection.execute
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _identify(connection: sqlite3.Connection, path: Path) -> None:
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    is_new = _pragma(connection, "schema_version") == 0
    if application != APPLICATION_ID and not is_new:
        raise StartError(f"{path} is a database of another program; choose another --state-dir")
    if version > SCHEMA_VERSION:
        raise StartError(
            f"{path} was written by a newer version of this program (schema {version}, this one knows"
            f" {SCHEMA_VERSION}); upgrade, or choose another --state-dir"
        )
    findings = connection.execute("PRAGMA quick_check(1)").fetchone()
    if findings != ("ok",):
        raise DamagedError(str(findings[0]) if findings else "no answer to quick_check")


def _migrate(connection: sqlite3.Connection) -> None:
    version = _pragma(connection, "user_version")
    if version == SCHEMA_VERSION:
        return
    with _transaction(connection) as execute:
        for step in _MIGRATIONS[version:]:
            for statement in step.split(";"):
                execute(statement)
        execute(f"PRAGMA application_id = {APPLICATION_ID}")
        execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _load_snapshot(connection: sqlite3.Connection) -> Snapshot | None:
    row = connection.execute("SELECT json FROM snapshot").fetchone()
    if row is None:
        return None
    try:
        return Snapshot.from_json(row[0])
    except ValueError as error:
        raise sqlite3.DatabaseError(str(error)) from None


def _load_sessions(connection: sqlite3.Connection) -> Iterator[Session]:
    rows = connection.execute(
        "SELECT name, sequence, processed, low_confidence, sent_to_server FROM sessions ORDER BY used"
    )
    for name, sequence, *totals in rows:
        yield Session(name, Totals(*totals), sequence)
