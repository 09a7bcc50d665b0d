"""What each address has taken: a notification that failed for one address is repeated by Alertmanager for all."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable
from typing import Final

from servicekit.clock import Clock

UNFINISHED_SECONDS: Final = 4 * 3600.0
"""While another address fails: as long as Alertmanager itself waits with a reminder (`repeat_interval`)."""
FINISHED_SECONDS: Final = 300.0
"""Once all addresses have it: until Alertmanager, if it missed the reply, has asked again. Below every
`repeat_interval`, so that its reminders get through."""
_MOST: Final = 10_000


class Ledger:
    """The last content that was taken, by address and group. Thread-safe, in memory, bounded."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[Hashable, tuple[Hashable, float]] = {}

    def has(self, key: Hashable, content: Hashable) -> bool:
        """Return whether `content` was the last that was taken for `key`, not too long ago."""
        with self._lock:
            known, until = self._taken.get(key, (None, 0.0))
            return known == content and self._clock.monotonic() < until

    def record(self, key: Hashable, content: Hashable) -> None:
        """Note that `content` has been taken."""
        with self._lock:
            now = self._clock.monotonic()
            self._taken.pop(key, None)
            self._taken[key] = (content, now + UNFINISHED_SECONDS)
            if len(self._taken) > _MOST:
                self._taken = {key: entry for key, entry in self._taken.items() if entry[1] > now}
            while len(self._taken) > _MOST:
                del self._taken[next(iter(self._taken))]

    def finish(self, keys: Iterable[Hashable]) -> None:
        """Note that what was last taken for `keys` needs no more repeating by Alertmanager."""
        with self._lock:
            until = self._clock.monotonic() + FINISHED_SECONDS
            for key in keys:
                if key in self._taken:
                    content, before = self._taken[key]
                    self._taken[key] = (content, min(before, until))
