"""What each address has taken: a notification that failed for one address is repeated by Alertmanager for all."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from typing import Final

from notify.ledger_file import MOST, Entries, LedgerFile
from servicekit.clock import Clock

UNFINISHED_SECONDS: Final = 4 * 3600.0
"""While another address fails: as long as Alertmanager itself waits with a reminder (`repeat_interval`)."""
FINISHED_SECONDS: Final = 300.0
"""Once all addresses have it: until Alertmanager, if it missed the reply, has asked again. Below every
`repeat_interval`, so that its reminders get through."""


class Ledger:
    """The last content that was taken, by address and group. Thread-safe, bounded; a restart reads it from `file`.

    Keys and contents are values whose `repr` is always the same; only digests of them are kept.
    """

    def __init__(self, clock: Clock, file: LedgerFile | None = None) -> None:
        """Without a `file`, what was taken is kept in memory only."""
        self._clock = clock
        self._file = file
        self._lock = threading.Lock()
        now = clock.monotonic()
        kept = file.load() if file else {}
        # A clock that was set back meanwhile must not keep anything for longer.
        latest = now + UNFINISHED_SECONDS
        self._taken: Entries = {key: (content, min(until, latest)) for key, (content, until) in kept.items()}

    def has(self, key: object, content: object) -> bool:
        """Return whether `content` was the last that was taken for `key`, not too long ago."""
        with self._lock:
            known, until = self._taken.get(_digest(key), ("", 0.0))
            return known == _digest(content) and self._clock.monotonic() < until

    def record(self, key: object, content: object) -> None:
        """Note that `content` has been taken."""
        with self._lock:
            name = _digest(key)
            self._taken.pop(name, None)
            self._taken[name] = (_digest(content), self._clock.monotonic() + UNFINISHED_SECONDS)
            self._save()

    def finish(self, keys: Iterable[object]) -> None:
        """Note that what was last taken for `keys` needs no more repeating by Alertmanager."""
        with self._lock:
            until = self._clock.monotonic() + FINISHED_SECONDS
            known = [name for name in map(_digest, keys) if name in self._taken]
            for name in known:
                content, before = self._taken[name]
                self._taken[name] = (content, min(before, until))
            if known:
                self._save()

    def _save(self) -> None:
        if self._file is not None or len(self._taken) > MOST:
            now = self._clock.monotonic()
            current = [(name, entry) for name, entry in self._taken.items() if entry[1] > now]
            self._taken = dict(current[-MOST:])
        if self._file is not None:
            self._file.save(self._taken)


def _digest(value: object) -> str:
    return hashlib.sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]
