"""The journal's file: one SQLite database in WAL mode."""

from __future__ import annotations

import errno
import os
import sqlite3
import tempfile
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
"""Suffixes of the files that make up one database."""
_ROOM_BYTES: Final = 256 * 1024
"""Room for the index of the log and the first pages of the files before it; a new journal opens with 80 KiB."""
_DISK_FULL: Final = "database or disk is full"
_FULL, _IO_ERROR, _READ_ONLY = 13, 10, 8
"""SQLite's result codes; the first two on a full disk, the second when the shared index of the log cannot grow."""
_NO_ROOM: Final = frozenset({_DISK_FULL, "disk I/O error"})
"""The messages of these codes, because Python before 3.11 does not expose the codes."""


class Store:
    """An open journal file. Not thread-safe; any method may raise `sqlite3.Error`."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._files = _identities(path)

    @classmethod
    def open(cls, path: Path) -> Store:
        """Open or create the file and migrate an older schema.

        Raises `DamagedError` when it cannot be read, `StartError` when another program or a newer version wrote it,
        `sqlite3.OperationalError` when the disk refuses.
        """
        reserve_room(path.parent)
        connection = sqlite3.connect(path, timeout=1.0, isolation_level=None, check_same_thread=False)
        try:
            identify(connection, path)
            # FULL syncs the log at every commit, so that an acknowledged report survives a power cut.
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
        """Read the persisted state from a file that `open` has no room to open. Raises as `open` does."""
        with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as connection:
            # With exclusive access SQLite keeps the log's index in memory and needs no room on the disk.
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
        """Return whether the open files are those found under their names.

        SQLite continues to write to files that were removed, which no later start can read.
        """
        return self._files == _identities(self._path)

    def load(self) -> PersistedState:
        """Read the persisted state. Raises `DamagedError` when it is not what `write` wrote."""
        try:
            return PersistedState(load_checkpoint(self._connection), tuple(load_sessions(self._connection)))
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            raise DamagedError(str(error)) from None

    def write(self, batch: Batch) -> None:
        """Write `batch` in one transaction, which is on disk when this returns; an error rolls all of it back."""
        with transaction(self._connection) as execute:
            for run, seconds in batch.shifts.items():  # before the rows of this batch, whose dates are right
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
        """Yield the transitions that lasted past `since` and have an id below `before`, newest first."""
        # The index finds the first id; from there the rows are read by id, as many as are wanted. Not by time, because
        # a wall clock that was set back between two runs leaves older rows with later times.
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
    """Return whether `error` means that the disk has no room, so that a later attempt can succeed."""
    code = getattr(error, "sqlite_errorcode", None)
    return str(error) in _NO_ROOM if code is None else code & 0xFF in (_FULL, _IO_ERROR)


def is_read_only(error: sqlite3.Error) -> bool:
    """Return whether `error` says that the file was opened for reading only; it stays so until it is opened again."""
    code = getattr(error, "sqlite_errorcode", None)
    return str(error) == "attempt to write a readonly database" if code is None else code & 0xFF == _READ_ONLY


def reserve_room(directory: Path) -> None:
    """Raise `sqlite3.OperationalError` unless the disk has room for what opening a journal writes.

    SQLite maps the log's index into memory, and makes sure of one byte in each 4 KiB of it. On a full disk with smaller
    blocks the rest is missing, and the process would end by SIGBUS.
    """
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            os.posix_fallocate(file.fileno(), 0, _ROOM_BYTES)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise sqlite3.OperationalError(_DISK_FULL) from None


def load_checkpoint(connection: sqlite3.Connection) -> Checkpoint | None:
    """Read the checkpoint, None if there is none yet. Raises `sqlite3.DatabaseError` when it cannot be read."""
    row = connection.execute("SELECT json FROM snapshot").fetchone()
    if row is None:
        return None
    try:
        return Checkpoint.from_json(row[0])
    except ValueError as error:
        raise sqlite3.DatabaseError(str(error)) from None


def load_sessions(connection: sqlite3.Connection) -> Iterator[Session]:
    """Read the sessions, the last used one last. Raises `sqlite3.DatabaseError` when they cannot be read."""
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
