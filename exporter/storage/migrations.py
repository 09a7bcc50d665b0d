"""The journal's schema: the mark and version of a database file, and the migration of an older one."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from servicekit.errors import StartError

APPLICATION_ID: Final = 0x434D5A53
"""Marks the file as a journal (`PRAGMA application_id`): "CMZS"."""

MIGRATIONS: Final = (
    (
        "CREATE TABLE snapshot (only INTEGER PRIMARY KEY CHECK (only = 1), json TEXT NOT NULL)",
        "CREATE TABLE sessions ("
        " used INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, sequence INTEGER NOT NULL,"
        " processed INTEGER NOT NULL, low_confidence INTEGER NOT NULL, sent_to_server INTEGER NOT NULL)",
        "CREATE TABLE transitions ("
        " id INTEGER PRIMARY KEY, run INTEGER NOT NULL, entered REAL NOT NULL, state TEXT NOT NULL,"
        " seconds REAL NOT NULL)",
        "CREATE TABLE alerts ("
        " id INTEGER PRIMARY KEY, run INTEGER NOT NULL, timestamp REAL NOT NULL, level TEXT NOT NULL,"
        " message TEXT NOT NULL, task_info TEXT)",
    ),
    ("CREATE INDEX transitions_left ON transitions (entered + seconds)",),
    (),  # The checkpoint lost the fields of the metrics, without which an older version takes the file for damaged.
)
"""Step i takes a file from schema version i to i + 1; a released step never changes."""
SCHEMA_VERSION: Final = len(MIGRATIONS)


class DamagedError(Exception):
    """The file is not a database, or a damaged one."""


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[Callable[..., sqlite3.Cursor]]:
    """Yield a function that executes statements; they take effect together or not at all."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection.execute
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def is_new(connection: sqlite3.Connection) -> bool:
    """Return whether nothing was ever written to the file."""
    return _pragma(connection, "schema_version") == 0


def identify(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the file is an undamaged journal of a known version. Raises `StartError` and `DamagedError`."""
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    if application != APPLICATION_ID and not is_new(connection):
        raise StartError(f"{path} is a database of another program; choose another --state-dir")
    if version > SCHEMA_VERSION:
        raise StartError(
            f"{path} was written by a newer version of this program (schema {version}, this one knows"
            f" {SCHEMA_VERSION}); upgrade, or choose another --state-dir"
        )
    findings = connection.execute("PRAGMA quick_check(1)").fetchone()
    if findings != ("ok",):
        raise DamagedError(str(findings[0]) if findings else "no answer to quick_check")


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the steps that the file lacks, all of them or none."""
    version = _pragma(connection, "user_version")
    if version == SCHEMA_VERSION:
        return
    with transaction(connection) as execute:
        for step in MIGRATIONS[version:]:
            for statement in step:
                execute(statement)
        execute(f"PRAGMA application_id = {APPLICATION_ID}")
        execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
