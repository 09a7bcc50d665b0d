"""The transitions of nodes, requested from their monitors when a viewer wants them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from castray_bridge.sources.discovery import Target
from exporter.states import BY_NAME
from servicekit import strict_json
from servicekit.address import Address
from servicekit.clock import Clock
from servicekit.http_reply import ProbeError
from servicekit.json_types import is_number
from servicekit.probe import http_get

_THREADS: Final = 32
_CACHE_SECONDS: Final = 5.0
"""One request to a node serves all viewers for so long."""
_WINDOWS: Final = (60, 360, 1440)
"""Minutes requested from monitors, whatever a viewer wants: else each number of minutes would be its own request."""
_BODY_LIMIT: Final = 4 * 1024 * 1024
_FIELDS: Final = ("timestamp", "status", "duration_seconds")


class _Key(NamedTuple):
    address: Address
    window: int


class _CacheEntry(NamedTuple):
    requested_at: float
    transitions: Future[list[dict[str, Any]]]


class History:
    """Requests transitions from monitors, in parallel, each within a budget of its own. Thread-safe."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="history")
        self._lock = threading.Lock()
        self._cache: dict[_Key, _CacheEntry] = {}

    def of(self, nodes: Iterable[Target], minutes: int) -> dict[str, list[dict[str, Any]]]:
        """Return `{name: [{"timestamp","status","duration_seconds"}]}`, within the budget of one request.

        Empty for a node that does not reply in time.
        """
        window = next(window for window in _WINDOWS if minutes <= window)
        pending = {node.name: self._cached_request(_Key(node.address, window)) for node in nodes}
        wait(pending.values(), self._timeout)
        return {name: latest(future.result(), minutes) if future.done() else [] for name, future in pending.items()}

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _cached_request(self, key: _Key) -> Future[list[dict[str, Any]]]:
        now = self._clock.monotonic()
        with self._lock:
            known = self._cache.get(key)
            if known is not None and now - known.requested_at < _CACHE_SECONDS:
                return known.transitions
            # The dict is in the order of the requests: the oldest entry is the first.
            while self._cache and now - (oldest := next(iter(self._cache.items())))[1].requested_at >= _CACHE_SECONDS:
                del self._cache[oldest[0]]
            transitions = self._threads.submit(self._request, key)
            self._cache[key] = _CacheEntry(now, transitions)
            return transitions

    def _request(self, key: _Key) -> list[dict[str, Any]]:
        since = self._clock.time() - 60 * key.window
        path = f"/api/history?since={since:.0f}"
        try:
            return parse_transitions(http_get(key.address, path, self._timeout, _BODY_LIMIT))
        except ProbeError:
            return []


def parse_transitions(body: bytes) -> list[dict[str, Any]]:
    """Read the body of a monitor's `GET /api/history`; malformed entries are left out. Raises `ProbeError`."""
    try:
        reply = strict_json.loads(body)
    except strict_json.StrictJSONError as error:
        raise ProbeError("not_json") from error
    if not isinstance(reply, list):
        return []
    return [{key: entry[key] for key in _FIELDS} for entry in reply if _is_transition(entry)]


def latest(transitions: list[dict[str, Any]], minutes: int) -> list[dict[str, Any]]:
    """Return the transitions that reach into the `minutes` before the end of the last one.

    They are measured from that end, because the node's clock may be wrong.
    """
    if not transitions:
        return []
    begin = _end(transitions[-1]) - timedelta(minutes=minutes)
    return [transition for transition in transitions if _end(transition) > begin]


def _end(transition: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(transition["timestamp"]) + timedelta(seconds=transition["duration_seconds"])


def _is_transition(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    seconds = entry.get("duration_seconds")
    return (
        isinstance(entry.get("status"), str)
        and entry["status"] in BY_NAME
        and is_number(seconds)
        and seconds >= 0
        and _has_end(entry)
    )


def _has_end(entry: dict[str, Any]) -> bool:
    try:
        return _end(entry).tzinfo is not None
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
