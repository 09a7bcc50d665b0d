"""The transitions of nodes, asked of their monitors when somebody wants to see them."""

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
from servicekit.probe import ask

_THREADS: Final = 32
_FRESH_SECONDS: Final = 5.0
"""One question to a node serves all viewers for so long."""
_WINDOWS: Final = (60, 360, 1440)
"""Minutes that monitors are asked for, whatever a viewer wants: else every number would be a question of its own."""
_BODY_LIMIT: Final = 4 * 1024 * 1024
_FIELDS: Final = ("timestamp", "status", "duration_seconds")


class _Key(NamedTuple):
    address: Address
    window: int


class _Asked(NamedTuple):
    at: float
    stays: Future[list[dict[str, Any]]]


class History:
    """Asks monitors for their transitions, in parallel and with a budget each. Thread-safe."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="history")
        self._lock = threading.Lock()
        self._asked: dict[_Key, _Asked] = {}

    def of(self, nodes: Iterable[Target], minutes: int) -> dict[str, list[dict[str, Any]]]:
        """Return `{name: [{"timestamp","status","duration_seconds"}]}`, within the budget of one question.

        Empty for a node that does not answer in time.
        """
        window = next(window for window in _WINDOWS if minutes <= window)
        asked = {node.name: self._ask_once(_Key(node.address, window)) for node in nodes}
        wait(asked.values(), self._timeout)
        return {name: latest(stays.result(), minutes) if stays.done() else [] for name, stays in asked.items()}

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)

    def _ask_once(self, key: _Key) -> Future[list[dict[str, Any]]]:
        now = self._clock.monotonic()
        with self._lock:
            known = self._asked.get(key)
            if known is not None and now - known.at < _FRESH_SECONDS:
                return known.stays
            # The dict is in the order of asking: what is too old stands in front.
            while self._asked and now - (oldest := next(iter(self._asked.items())))[1].at >= _FRESH_SECONDS:
                del self._asked[oldest[0]]
            stays = self._threads.submit(self._ask, key)
            self._asked[key] = _Asked(now, stays)
            return stays

    def _ask(self, key: _Key) -> list[dict[str, Any]]:
        since = self._clock.time() - 60 * key.window
        try:
            return parse(ask(key.address, f"/api/history?since={since:.0f}", self._timeout, _BODY_LIMIT))
        except ProbeError:
            return []


def parse(body: bytes) -> list[dict[str, Any]]:
    """Read a monitor's history; entries that are none are left out. Raises `ProbeError`."""
    try:
        reply = strict_json.loads(body)
    except strict_json.StrictJSONError as error:
        raise ProbeError("not_json") from error
    return (
        [{key: entry[key] for key in _FIELDS} for entry in reply if _is_stay(entry)] if isinstance(reply, list) else []
    )


def latest(stays: list[dict[str, Any]], minutes: int) -> list[dict[str, Any]]:
    """Return those of `stays` that reach into the `minutes` before the last one's end: the node's clock may be off."""
    if not stays:
        return []
    begin = _end(stays[-1]) - timedelta(minutes=minutes)
    return [stay for stay in stays if _end(stay) > begin]


def _end(stay: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(stay["timestamp"]) + timedelta(seconds=stay["duration_seconds"])


def _is_stay(entry: Any) -> bool:
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
