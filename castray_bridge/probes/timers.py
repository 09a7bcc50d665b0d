"""One instant per key: which keys are due, and when the next one is."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from heapq import heappop, heappush
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)


class Timers(Generic[_Key]):
    """A heap with lazy deletion: an operation costs the logarithm of the number of keys, not the number.

    A key that is set later again and again, as the deadlines of a healthy node are, has one entry in the heap: it is
    moved when it comes to the top.
    """

    def __init__(self) -> None:
        self._instants: dict[_Key, float] = {}
        self._queued: dict[_Key, tuple[float, int]] = {}
        """The entry in the heap that counts, for each key."""
        self._heap: list[tuple[float, int, _Key]] = []
        self._serial = 0

    def set(self, key: _Key, at: float) -> None:
        """Make `key` due at `at`, in monotonic seconds, instead of any instant before."""
        self._instants[key] = at
        if at < self._queued.get(key, (math.inf, 0))[0]:
            self._push(key, at)

    def cancel(self, key: _Key) -> None:
        """Let `key` not become due; nothing happens if it is not set."""
        self._instants.pop(key, None)

    def due(self, now: float) -> Iterator[_Key]:
        """Yield the keys that are due at `now`, the earliest first; each is no longer set then."""
        while (at := self.next()) is not None and at <= now:
            _, _, key = heappop(self._heap)
            del self._queued[key], self._instants[key]
            yield key

    def next(self) -> float | None:
        """Return the instant of the key that is due first; None without any."""
        while self._heap:
            queued_at, serial, key = self._heap[0]
            is_current = self._queued.get(key) == (queued_at, serial)
            at = self._instants.get(key)
            if is_current and at == queued_at:
                return at
            heappop(self._heap)
            if is_current:
                del self._queued[key]
                if at is not None:
                    self._push(key, at)
        return None

    def _push(self, key: _Key, at: float) -> None:
        self._serial += 1
        self._queued[key] = (at, self._serial)
        heappush(self._heap, (at, self._serial, key))
