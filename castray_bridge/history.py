"""The transitions of nodes, asked of their monitors when somebody wants to see them."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from castray_bridge.discovery import Presence
from castray_bridge.http_reply import ProbeError
from castray_bridge.probe import Address, ask
from exporter.states import BY_NAME
from servicekit import strict_json
from servicekit.clock import Clock

_THREADS: Final = 32
_FRESH_SECONDS: Final = 5.0
"""One question to a node serves all viewers for so long."""
_BODY_LIMIT: Final = 4 * 1024 * 1024
_CACHE_LIMIT: Final = 4096
_FIELDS: Final = ("timestamp", "status", "duration_seconds")


class History:
    """Asks monitors for their transitions, in parallel and with a budget each. Thread-safe."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._timeout = timeout
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="history")
        self._lock = threading.Lock()
        self._kept: dict[tuple[Address, int], tuple[float, list[dict[str, Any]]]] = {}

    def of(self, nodes: Iterable[Presence], minutes: int) -> dict[str, list[dict[str, Any]]]:
        """Return `{name: [{"timestamp","status","duration_seconds"}]}`; empty for a node that does not answer."""
        wanted = list(nodes)
        found = self._threads.map(lambda node: self._of_one(node.address, minutes), wanted)
        return {node.name: stays for node, stays in zip(wanted, found, strict=True)}

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    def _of_one(self, address: Address, minutes: int) -> list[dict[str, Any]]:
        now = self._clock.monotonic()
        with self._lock:
            kept = self._kept.get((address, minutes))
        if kept is not None and now - kept[0] < _FRESH_SECONDS:
            return kept[1]
        since = self._clock.time() - 60 * minutes
        try:
            stays = parse(ask(address, f"/api/history?since={since:.0f}", self._timeout, _BODY_LIMIT))
        except ProbeError:
            stays = []
        with self._lock:
            if len(self._kept) >= _CACHE_LIMIT:
                self._kept.clear()
            self._kept[address, minutes] = (now, stays)
        return stays


def parse(body: bytes) -> list[dict[str, Any]]:
    """Read a monitor's history; entries that are none are left out. Raises `ProbeError`."""
    try:
        reply = strict_json.loads(body)
    except strict_json.StrictJSONError as error:
        raise ProbeError("not_json") from error
    return (
        [{key: entry[key] for key in _FIELDS} for entry in reply if _is_stay(entry)] if isinstance(reply, list) else []
    )


def _is_stay(entry: Any) -> bool:
    if not isinstance(entry, dict):
        return False
    seconds = entry.get("duration_seconds")
    return (
        isinstance(entry.get("timestamp"), str)
        and isinstance(entry.get("status"), str)
        and entry["status"] in BY_NAME
        and isinstance(seconds, (int, float))
        and seconds >= 0
    )
