"""Requests to monitors on behalf of viewers: in parallel, each within a budget, one for all viewers."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final, NamedTuple, TypeVar

from servicekit.address import Address
from servicekit.clock import Clock
from servicekit.probe import http_get

Value = TypeVar("Value")

_THREADS: Final = 32
_CACHE_SECONDS: Final = 5.0
"""One request to a node serves all viewers for so long."""
_BODY_LIMIT: Final = 4 * 1024 * 1024


class _CacheEntry(NamedTuple):
    requested_at: float
    result: Future[Any]


class MonitorRequests:
    """A pool of threads with a short memory. Thread-safe."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        """`timeout` is the whole budget of one request, in seconds."""
        self.timeout = timeout
        self._clock = clock
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="history")
        self._lock = threading.Lock()
        self._cache: dict[tuple[Address, str], _CacheEntry] = {}

    def submit(
        self, address: Address, key: str, make_path: Callable[[], str], parse: Callable[[bytes], Value]
    ) -> Future[Value]:
        """Request a path and parse the body in a thread of the pool; equal `key`s share one request for a while.

        The future may have a `ProbeError`.
        """
        now = self._clock.monotonic()
        with self._lock:
            known = self._cache.get((address, key))
            if known is not None and now - known.requested_at < _CACHE_SECONDS:
                return known.result
            # The dict is in the order of the requests: the oldest entry is the first.
            while self._cache and now - (oldest := next(iter(self._cache.items())))[1].requested_at >= _CACHE_SECONDS:
                del self._cache[oldest[0]]
            result = self._threads.submit(self._request, address, make_path(), parse)
            self._cache[address, key] = _CacheEntry(now, result)
            return result

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _request(self, address: Address, path: str, parse: Callable[[bytes], Value]) -> Value:
        return parse(http_get(address, path, self.timeout, _BODY_LIMIT))
