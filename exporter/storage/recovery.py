"""What to do with a journal that cannot go on: save what can be read, and keep the file out of the way."""

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
from exporter.storage.store import PARTS, Store, load_checkpoint, load_sessions

Row = TypeVar("Row", Alert, Transition)


def quarantine(path: Path, reason: str) -> str:
    """Rename the file and its parts, never over others; return the new name, or an empty text if there are none."""
    present = [part for part in PARTS if os.path.lexists(f"{path}{part}")]
    if not present:
        return ""
    name = f"{path.name}.{reason}-{int(time.time())}"
    free = next(name for name in _numbered(name) if not any(os.path.lexists(path.with_name(name + p)) for p in PARTS))
    for part in present:
        path.with_name(path.name + part).rename(path.with_name(free + part))
    return free


def _numbered(name: str) -> Iterator[str]:
    # A board without a battery boots at the same second each time.
    yield name
    yield from (f"{name}-{number}" for number in itertools.count(2))


def restore(store: Store, path: Path) -> str:
    """Write the content of an open journal, whose file was removed or replaced, to `path` again.

    What lies there now is set aside; its new name is returned. The store itself is as useless afterwards as before.
    Raises `sqlite3.Error` and `OSError`.
    """
    copy = path.with_name(path.name + ".new")
    copy.unlink(missing_ok=True)
    store.copy_to(copy)
    kept_as = quarantine(path, "replaced")
    copy.rename(path)
    _sync(path.parent)
    return kept_as


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def recover(path: Path) -> Iterator[Batch]:
    """Yield whatever can still be read from a damaged file, a part at a time; never raises for what it finds there."""
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
        for stays in _parts(connection, "SELECT * FROM transitions ORDER BY id", Transition._make):
            yield Batch(transitions=deque(stays))


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
