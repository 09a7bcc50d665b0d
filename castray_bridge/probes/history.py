"""The transitions of nodes, requested from their monitors when a viewer wants them."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import Future, wait
from datetime import datetime, timedelta
from typing import Any, Final

from castray_bridge.probes.monitor_requests import MonitorRequests
from castray_bridge.sources.discovery import Target
from exporter.states import BY_NAME
from servicekit import strict_json
from servicekit.clock import Clock
from servicekit.http_reply import ProbeError
from servicekit.json_types import is_number

_WINDOWS: Final = (60, 360, 1440)
"""Minutes requested from monitors, whatever a viewer wants: else each number of minutes would be its own request."""
_FIELDS: Final = ("timestamp", "status", "duration_seconds")


class History:
    """Requests transitions from monitors, in parallel. Thread-safe."""

    def __init__(self, clock: Clock, requests: MonitorRequests) -> None:
        self._clock = clock
        self._requests = requests

    def of(self, nodes: Iterable[Target], minutes: int) -> dict[str, list[dict[str, Any]]]:
        """Return `{name: [{"timestamp","status","duration_seconds"}]}`, within the budget of one request.

        Empty for a node that does not reply in time.
        """
        window = next(window for window in _WINDOWS if minutes <= window)
        pending = {node.name: self._submit(node, window) for node in nodes}
        wait(pending.values(), self._requests.timeout)
        return {name: latest(_result(future), minutes) for name, future in pending.items()}

    def _submit(self, node: Target, window: int) -> Future[list[dict[str, Any]]]:
        def path() -> str:
            return f"/api/history?since={self._clock.time() - 60 * window:.0f}"

        return self._requests.submit(node.address, f"transitions {window}", path, parse_transitions)


def _result(future: Future[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [] if not future.done() or future.exception() is not None else future.result()


def parse_transitions(body: bytes) -> list[dict[str, Any]]:
    """Read the body of a monitor's `GET /api/history`; malformed entries are left out. Raises `ProbeError`."""
    try:
        reply = strict_json.loads(body)
    except strict_json.StrictJSONError as error:
        raise ProbeError("not_json") from error
    return transitions_of(reply) if isinstance(reply, list) else []


def transitions_of(entries: list[Any]) -> list[dict[str, Any]]:
    """Return the transitions in a reply's `entries`; malformed ones are left out."""
    return [{key: entry[key] for key in _FIELDS} for entry in entries if _is_transition(entry)]


def end_of(transition: dict[str, Any]) -> datetime:
    """Return when a transition of `parse_transitions` ended."""
    return datetime.fromisoformat(transition["timestamp"]) + timedelta(seconds=transition["duration_seconds"])


def latest(transitions: list[dict[str, Any]], minutes: int) -> list[dict[str, Any]]:
    """Return the transitions that reach into the `minutes` before the end of the last one.

    They are measured from that end, because the node's clock may be wrong.
    """
    if not transitions:
        return []
    begin = end_of(transitions[-1]) - timedelta(minutes=minutes)
    return [transition for transition in transitions if end_of(transition) > begin]


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
        return end_of(entry).tzinfo is not None
    except (KeyError, TypeError, ValueError, OverflowError):
        return False
