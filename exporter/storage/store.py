"""The journal's file: one SQLite database in WAL mode."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from exporter.report import Totals
from exporter.status.checkpoint import Checkpoint
from exporter.status.records import ALERTS_LIMIT, TRANSITIONS_LIMIT, Alert, Batch, PersistedState, Transition
from exporter.status.sessions import SESSIONS_LIMIT, Session
from exporter.storage.migrations import DamagedError, identify, is_new, migrate, transaction

PARTS: Final = ("", "-wal", "-shm")
"""What SQLite adds to the name for the files that belong together."""
_FULL, _IO_ERROR = 13, 10
"""SQLite's result codes on a full disk: the second where the file of the shared log index cannot grow."""
_NO_ROOM: Final = frozenset({"database or disk is full", "disk I/O error"})
"""The same in words; Python before 3.11 tells no codes."""


class Store:
    """An open journal file. Not thread-safe; any method may raise `sqlite3.Error`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._files = _identities(path)

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open or create the file, bringing an older schema up to date.

        Raises `DamagedError` when it cannot be read, `StartError` when it is somebody else's or of a newer version,
        `sqlite3.OperationalError` when the disk does not let us.
        """
        connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
        try:
            identify(connection, path)
            # FULL syncs the log at every commit: what was acknowledged survives a power cut.
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "journal_size_limit=4194304"):
                connection.execute(f"PRAGMA {pragma}")
            migrate(connection)
        except sqlite3.OperationalError:
            connection.close()
            raise
        except sqlite3.DatabaseError as error:
            connection.close()
            raise DamagedError(str(error)) from None
        except BaseException:
            connection.close()
            raise
        return cls(connection, path)

    @classmethod
    def reader(cls, path: Path) -> Store:
        """Open the existing file for reading only."""
        return cls(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0), path)

    @staticmethod
    def peek(path: Path) -> PersistedState:
        """Read what goes on after a restart from a file that `open` has no room to open. Raises as `open` does."""
        with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as connection:
            # Alone with the file, SQLite keeps the log's index in memory and needs no room on the disk.
            connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            try:
                identify(connection, path)
                return PersistedState() if is_new(connection) else Store(connection, path).load()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                raise DamagedError(str(error)) from None

    def close(self) -> None:
        """Close the file; the log is merged into it."""
        self._connection.close()

    def is_in_place(self) -> bool:
        """Return whether the files that are open are those found under their names.

        SQLite does not mind when they are removed: it goes on writing what nobody will find.
        """
        return self._files == _identities(self._path)

    def copy_to(self, path: Path) -> None:
        """Write all content to a new file, which is on disk when this returns."""
        with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as copy:
            self._connection.backup(copy)

    def load(self) -> PersistedState:
        """Read what goes on after a restart. Raises `DamagedError` when that is not what was written."""
        try:
            return PersistedState(load_checkpoint(self._connection), tuple(load_sessions(self._connection)))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise DamagedError(str(error)) from None

    def write(self, batch: Batch) -> None:
        """Write `batch` in one transaction that is on disk when this returns; on an error nothing of it is."""
        with transaction(self._connection) as execute:
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
            if batch.checkpoint:
                execute("INSERT OR REPLACE INTO snapshot VALUES (1, ?)", (batch.checkpoint.to_json(),))
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
    code = getattr(error, "sqlite_errorcode", None)
    return str(error) in _NO_ROOM if code is None else code & 0xFF in (_FULL, _IO_ERROR)


def load_checkpoint(connection: sqlite3.Connection) -> Checkpoint | None:
    """Read the snapshot, None if there is none yet. Raises `sqlite3.DatabaseError` when it is something else."""
    row = connection.execute("SELECT json FROM snapshot").fetchone()
    if row is None:
        return None
    try:
        return Checkpoint.from_json(row[0])
    except ValueError as error:
        raise sqlite3.DatabaseError(str(error)) from None


def load_sessions(connection: sqlite3.Connection) -> Iterator[Session]:
    """Read the sessions, the one used last comes last. Raises `sqlite3.DatabaseError` when they are something else."""
    rows = connection.execute(
        "SELECT name, sequence, processed, low_confidence, sent_to_server FROM sessions ORDER BY used"
    )
    for name, *numbers in rows:
        if not isinstance(name, str) or not all(isinstance(number, int) for number in numbers):
            raise sqlite3.DatabaseError("not a session")
        yield Session(name, Totals(*numbers[1:]), numbers[0])


def _identities(path: Path) -> list[tuple[int, int] | None]:
    return [_identity(f"{path}{part}") for part in PARTS]


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)
    except OSError:
        return None
    return found.st_dev, found.st_ino
