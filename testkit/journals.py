"""Journals for tests: filled, damaged, and read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from exporter.status.records import Alert, Batch, Transition
from exporter.storage.journal import FILE_NAME, Journal
from testkit.monitors import running_monitor


def send(directory: Path, times: int) -> None:
    with running_monitor(directory) as monitor:
        client = monitor.app.test_client()
        for number in range(times):
            assert (
                client.post("/api/update_status", json={"status": "sending", "message": str(number)}).status_code == 200
            )


def damaged(directory: Path) -> list[Path]:
    """Return the files set aside, without their logs."""
    found = directory.glob(f"{FILE_NAME}.damaged-*")
    return sorted(path for path in found if not path.name.endswith(("-wal", "-shm")))


def destroy(directory: Path, table: str) -> None:
    """Overwrite the first page of `table`."""
    with closing(sqlite3.connect(directory / FILE_NAME)) as database:
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = database.execute("PRAGMA page_size").fetchone()
    with (directory / FILE_NAME).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


def alert(number: int, run: int = 1, timestamp: float = 100.0) -> Alert:
    return Alert(number, run, timestamp, "warning", "", None)


def transition(number: int, run: int = 1, entered: float = 100.0) -> Transition:
    return Transition(number, run, entered, "idle", 1.0)


def batch(alerts: Iterable[Alert] = (), transitions: Iterable[Transition] = (), **fields: Any) -> Batch:
    result = Batch(**fields)
    result.alerts.extend(alerts)
    result.transitions.extend(transitions)
    return result


def rows(journal: Journal) -> tuple[list[Alert], list[Transition]]:
    return journal.alerts(10_000).rows, journal.transitions(10_000, since=0.0).rows
