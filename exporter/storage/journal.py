"""The journal: persists changes in groups, and holds them in memory while the disk takes none."""

from __future__ import annotations

import logging
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from exporter.status.checkpoint import Checkpoint
from exporter.status.records import Alert, Batch, PersistedState, Transition
from exporter.storage.lock import DirectoryLock
from exporter.storage.migrations import DamagedError
from exporter.storage.paging import END, Page, Row, cut
from exporter.storage.recovery import quarantine, recover
from exporter.storage.store import Store, is_disk_full, is_read_only, reserve_room
from servicekit.errors import StartError
from servicekit.heartbeat import Heartbeat
from servicekit.log import RateLimit, event

FILE_NAME: Final = "journal.sqlite3"
RETRY_SECONDS: Final = 1.0
RECHECK_SECONDS: Final = 2.0
"""Interval at which the file is checked for removal while there is nothing to write."""
STALL_SECONDS: Final = 2.0
"""A write that takes longer counts as failed: reports no longer wait for it."""
GATHER_SECONDS: Final = 0.003
"""Pause after a write while many report, in which reports come together: a write costs a sync, and wears the flash."""
_BUSY_SECONDS: Final = 1.0
"""Many report for so long after several reports came together; one client alone must not wait for others."""
PAGE_BYTES: Final = 1024 * 1024
"""Most text on one page of alerts."""

_log = logging.getLogger(__name__)


class Journal:
    """The journal of one monitor, with the thread that writes it. Thread-safe.

    Reports that arrive during a write, or right after it, are written together by the next one, so that the disk limits
    the number of syncs per second and not the number of reports.
    """

    def __init__(self, directory: Path) -> None:
        """Open the journal in `directory`; on a full disk it begins in memory. Raises `StartError` otherwise."""
        self._path = directory / FILE_NAME
        self._lock = DirectoryLock(directory)
        self.errors = 0
        """Writes and reads that failed, and files that were damaged, removed or replaced."""
        self.failure = ""
        """Why the journal cannot be written at present; empty when it can."""
        guard = threading.Lock()
        # Two conditions, because with one every report would wake all threads that wait for the disk.
        self._to_write = threading.Condition(guard)
        self._settled = threading.Condition(guard)
        self._pending = Batch()
        self._writing: Batch | None = None
        self._last_checkpoint: Checkpoint | None = None
        self._heartbeat = Heartbeat(pause=RECHECK_SECONDS)
        self._appended = 0
        self._written = 0
        self._gathers_until = self._next_write = -math.inf
        """Until when writes pause, and before when nothing is written, by the monotonic clock."""
        self._closing = False
        self._unread_limit = RateLimit(burst=1, period=60.0)
        self._store: Store | None = None
        """None while the disk has no room to open it, and after its files were removed."""
        self.stored: PersistedState = self._open()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def append(self, batch: Batch) -> int:
        """Take changes to be written and return the ticket to wait for; never blocks."""
        with self._to_write:
            self._pending.absorb(batch)
            self._last_checkpoint = self._pending.checkpoint or self._last_checkpoint
            self._appended += 1
            self._to_write.notify()
            return self._appended

    def wait(self, ticket: int) -> None:
        """Return when the changes are on disk, or when the disk takes none at present."""
        with self._settled:
            done = self._settled.wait_for(lambda: self._written >= ticket or bool(self.failure), STALL_SECONDS)
            before = self.failure
            if not done:
                self._fail(f"a write takes longer than {STALL_SECONDS:g} s")
            after = self.failure
        self._log_failure(before, after)

    def transitions(self, limit: int, since: float, before: int = END) -> Page[Transition]:
        """Return the newest transitions that lasted past `since` (Unix seconds) and have an id below `before`."""
        found = self._newest(
            lambda batch: batch.transitions, before, lambda store, below: store.transitions(since, below)
        )
        with closing(found) as rows:
            return cut((row for row in rows if row.entered + row.seconds > since), limit)

    def each_transition(self, since: float) -> Generator[Transition, None, None]:
        """Yield the transitions that lasted past `since` (Unix seconds), newest first; to be closed by the caller."""
        return self._newest(lambda batch: batch.transitions, END, lambda store, below: store.transitions(since, below))

    def alerts(self, limit: int, before: int = END) -> Page[Alert]:
        """Return the newest alerts with an id below `before`; large ones make a shorter page."""
        with closing(self._newest(lambda batch: batch.alerts, before, Store.alerts)) as rows:
            return cut(rows, limit, PAGE_BYTES, lambda row: len(row.message) + len(row.task_info or ""))

    def is_alive(self) -> bool:
        """Return whether the writing thread makes progress; a disk that refuses does not stop it."""
        return self._thread.is_alive() and not self._heartbeat.is_overdue()

    def close(self) -> None:
        """Write what is pending, if the disk takes it, and close the file."""
        with self._to_write:
            self._closing = True
            self._to_write.notify()
        self._thread.join(STALL_SECONDS)
        if self._store is not None and not self._thread.is_alive():
            self._store.close()
        self._lock.close()

    def _unwritten(self) -> tuple[Batch, ...]:
        return (self._pending,) if self._writing is None else (self._writing, self._pending)

    def _newest(
        self, rows_of: Callable[[Batch], Iterable[Row]], before: int, stored: Callable[[Store, int], Iterator[Row]]
    ) -> Generator[Row, None, None]:
        """Yield the rows with an id below `before`, newest first: those not yet written, then those on disk."""
        # In this order no row is missed that is written in between; the limit on ids keeps rows from appearing twice.
        with self._settled:
            unwritten = [row for batch in self._unwritten() for row in rows_of(batch)]
        yield from (row for row in reversed(unwritten) if row.id < before)
        oldest = unwritten[0].id if unwritten else before
        # A connection of its own: the writing one may be stuck in a write.
        try:
            if self._store is None:  # then it is this connection that makes the log's index
                reserve_room(self._path.parent)
            with closing(Store.reader(self._path)) as store:
                yield from stored(store, min(before, oldest))
        except sqlite3.Error as error:
            self._count_unread(error)

    def _count_unread(self, error: sqlite3.Error) -> None:
        with self._settled:
            self.errors += 1
        held_back = self._unread_limit.admit()
        if held_back is not None:
            _log.error(event("journal_unread", path=self._path, reason=error, held_back=held_back))

    def _run(self) -> None:
        while True:
            self._heartbeat.beat()
            with self._to_write:
                self._to_write.wait_for(lambda: self._closing or self._appended > self._written, RECHECK_SECONDS)
                if self._closing and self._appended == self._written:
                    return
            self._gather()
            with self._to_write:
                self._writing, self._pending = self._pending, Batch()
                ticket = self._appended
            failure = self._write(self._writing)
            ended = time.monotonic()
            if ticket - self._written > 1:
                self._gathers_until = ended + _BUSY_SECONDS
            if ended < self._gathers_until:
                self._next_write = ended + GATHER_SECONDS
            with self._settled:
                before = self.failure
                if failure:
                    self._writing.absorb(self._pending)
                    self._writing.checkpoint = self._last_checkpoint  # a new journal needs one, whatever is pending
                    self._pending, self._writing = self._writing, None
                    self._fail(failure)
                else:
                    self._succeed(ticket)
            self._log_failure(before, failure)
            if failure:
                with self._to_write:
                    if self._to_write.wait_for(lambda: self._closing, RETRY_SECONDS):
                        return

    def _gather(self) -> None:
        left = self._next_write - time.monotonic()
        if left > 0:
            time.sleep(left)

    def _write(self, batch: Batch) -> str:
        """Write `batch`; return why that failed, or an empty text."""
        try:
            self._store_in_place().write(batch)
            self._store_in_place()  # again, because an acknowledged report must be where the next start reads
        except (sqlite3.Error, DamagedError, StartError, OSError) as error:
            if isinstance(error, sqlite3.Error) and is_read_only(error) and self._store is not None:
                self._store.close()  # the owner of the file may be corrected meanwhile; then it opens for writing
                self._store = None
            return str(error)
        return ""

    def _store_in_place(self) -> Store:
        """Return the open store. Raises `OSError` when its files were removed or replaced; the next call opens anew."""
        self._lock.renew()
        if self._store is not None and not self._store.is_in_place():
            lost, self._store = self._store, None
            with closing(lost):
                kept_as = quarantine(self._path, "replaced")
            found = f"; what was there is now {kept_as}" if kept_as else ""
            raise OSError(f"the journal was removed or replaced{found}; a new one begins")
        if self._store is None:
            self._store = Store.open(self._path)
        return self._store

    def _succeed(self, ticket: int) -> None:
        self._writing = None
        self._written = ticket
        self.failure = ""
        self._settled.notify_all()

    def _fail(self, reason: str) -> None:
        self.errors += 1
        self.failure = reason
        self._settled.notify_all()

    def _log_failure(self, before: str, after: str) -> None:
        """Log a new failure, or the end of one; called without the lock, because a log may block."""
        if after and after != before:
            _log.error(event("journal_failed", path=self._path, reason=after))
        elif before and not after:
            _log.warning(event("journal_recovered", path=self._path))

    def _open(self) -> PersistedState:
        """Open the file and return its content; on a full disk it remains closed until there is room."""
        try:
            self._store = Store.open(self._path)
            return self._store.load()
        except DamagedError as error:
            return self._replace_damaged(str(error))
        except sqlite3.Error as error:
            return self._begin_in_memory(error)

    def _begin_in_memory(self, error: sqlite3.Error) -> PersistedState:
        if not is_disk_full(error):
            raise StartError(f"the journal {self._path} cannot be opened: {error}") from None
        try:
            stored = Store.peek(self._path)
        except (DamagedError, sqlite3.Error) as unread:
            # Counts that begin at 0 would replace the true ones as soon as there is room.
            raise StartError(f"the journal {self._path} cannot be read: {unread}, and the disk is full") from None
        with self._settled:
            self._fail(str(error))
        self._log_failure("", self.failure)
        return stored

    def _replace_damaged(self, reason: str) -> PersistedState:
        """Quarantine the damaged file and begin a new one with what can still be read of it."""
        if self._store is not None:
            self._store.close()
            self._store = None
        try:
            kept_as = quarantine(self._path, "damaged")
        except OSError as error:
            raise StartError(f"the damaged journal {self._path} cannot be set aside: {error.strerror}") from None
        self.errors += 1
        _log.error(event("journal_damaged", reason=reason, kept_as=kept_as))
        totals, alerts, transitions = False, 0, 0
        try:
            self._store = Store.open(self._path)
            for part in recover(self._path.with_name(kept_as)):
                self._store.write(part)
                totals |= part.checkpoint is not None
                alerts += len(part.alerts)
                transitions += len(part.transitions)
        except (DamagedError, sqlite3.Error) as error:
            raise StartError(f"no new journal {self._path} can be begun: {error}") from None
        _log.warning(event("journal_recovered_rows", totals=totals, alerts=alerts, transitions=transitions))
        return self._store.load()
