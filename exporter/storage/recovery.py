"""Quarantine of a journal file that cannot be used, and recovery of what can still be read from it."""

from __future__ import annotations

import itertools
import os
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from exporter.status.records import UNWRITTEN_LIMIT, Alert, Batch, Transition
from exporter.storage.store import PARTS, load_checkpoint, load_sessions

Row = TypeVar("Row", Alert, Transition)


def quarantine(path: Path, reason: str) -> str:
    """Rename the file and its parts, never over others; return the new name, or an empty text when no part exists."""
    present = [part for part in PARTS if os.path.lexists(f"{path}{part}")]
    if not present:
        return ""
    name = f"{path.name}.{reason}-{int(time.time())}"
    free = next(name for name in _numbered(name) if not any(os.path.lexists(path.with_name(name + p)) for p in PARTS))
    for part in present:
        path.with_name(path.name + part).rename(path.with_name(free + part))
    return free


def _numbered(name: str) -> Iterator[str]:
    # A board without a battery boots with the same time of day each time.
    yield name
    yield from (f"{name}-{number}" for number in itertools.count(2))


def recover(path: Path) -> Iterator[Batch]:
    """Yield what can still be read from a damaged file, in batches of bounded size; damage never raises."""
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return
    with closing(connection):
        whole = Batch()
        try:
            whole.checkpoint = load_checkpoint(connection)
        except sqlite3.Error:
            return
        with _until_damage():
            whole.sessions.update((session.name, session) for session in load_sessions(connection))
        yield whole
        for alerts in _parts(connection, "SELECT * FROM alerts ORDER BY id", Alert._make):
            yield Batch(alerts=deque(alerts))
        for transitions in _parts(connection, "SELECT * FROM transitions ORDER BY id", Transition._make):
            yield Batch(transitions=deque(transitions))


def _parts(connection: sqlite3.Connection, query: str, make: Callable[[Iterable[Any]], Row]) -> Iterator[list[Row]]:
    part: list[Row] = []
    with _until_damage():
        for row in connection.execute(query):
            part.append(make(row))
            if len(part) == UNWRITTEN_LIMIT:
                yield part
                part = []
    if part:
        yield part


@contextmanager
def _until_damage() -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, TypeError):
        return
