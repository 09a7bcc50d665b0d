"""One node's work status, and how it is read from a monitor's reply."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

from exporter.states import REPORTABLE, UNKNOWN
from servicekit import strict_json
from servicekit.address import Address
from servicekit.http_reply import ProbeError
from servicekit.json_types import is_count, is_integer, is_number
from servicekit.text import NAME_LIMIT, one_line

_STATE_NAMES: Final = frozenset(state.name for state in REPORTABLE)
_TASK_LIMIT: Final = 200
_TIMESTAMP_LIMIT: Final = 40


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """The last reply of a node's monitor, or the reason of failure.

    `state` is a name of the table of states, `unknown` when `error` (a reason of `failures.FAILURES`) is set; the
    totals are then those of the last good reply. `timestamp` is by the node's own clock: shown, never trusted.
    `version` is what the monitor's long poll expects back; None if it has none. `monitor_name` is the monitor's own
    name, kept over failures; empty if unknown. `gpu` is the board's GPU load in percent; None if unknown.
    """

    state: str
    error: str | None = None
    timestamp: str | None = None
    current_task: str = ""
    stale: bool = False
    processed: int = 0
    low_confidence: int = 0
    sent_to_server: int = 0
    version: int | None = None
    monitor_name: str = ""
    gpu: int | None = None

    @property
    def reachable(self) -> bool:
        """Whether the last probe got a usable reply."""
        return self.error is None


PENDING: Final = NodeStatus(UNKNOWN.name, error="pending")
"""The status of a node before its first probe ended."""
DEAD: Final = NodeStatus(UNKNOWN.name, error="dead")
"""The status of a node that the source calls dead; such a node is not probed."""
NO_ADDRESS: Final = NodeStatus(UNKNOWN.name, error="unreachable")
"""The status of a living node without an IP address that can be probed."""


class ProbeResult(NamedTuple):
    """The outcome of a probe. `seconds` is None for a long poll, because it lasts as long as nothing changes."""

    address: Address
    status: NodeStatus
    seconds: float | None


def parse_status(body: bytes) -> NodeStatus:
    """Read the body of `GET /api/status`. Raises `ProbeError`: `not_json`, `bad_status`.

    Only the status itself is required: monitors of other versions may lack the rest.
    """
    try:
        reply = strict_json.loads(body)
    except strict_json.StrictJSONError as error:
        raise ProbeError("not_json") from error
    if not isinstance(reply, dict) or not _is_state(reply.get("status")):
        raise ProbeError("bad_status")
    latest = _object(reply, "latest_state")
    stats = _object(reply, "stats")
    version = reply.get("version")
    stale = reply.get("stale") is True
    return NodeStatus(
        state=reply["status"],
        timestamp=_text(reply.get("timestamp"), _TIMESTAMP_LIMIT) or None,
        # A stale task belongs to a script that has ended.
        current_task="" if stale else _text(latest.get("current_task"), _TASK_LIMIT),
        stale=stale,
        processed=_count(stats.get("total_processed")),
        low_confidence=_count(stats.get("low_confidence_count")),
        sent_to_server=_count(stats.get("sent_to_server")),
        version=version if is_integer(version) else None,
        monitor_name=_text(reply.get("node_id"), NAME_LIMIT),
        gpu=_percent(_object(reply, "board").get("gpu")),
    )


def failed(last: NodeStatus, reason: str) -> NodeStatus:
    """Return the status after a failed probe: unknown, with the totals of the status before it, `last`."""
    return replace(last, state=UNKNOWN.name, error=reason, timestamp=None, current_task="", stale=False, gpu=None)


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: Any, limit: int) -> str:
    return one_line(value, limit) if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if is_count(value) else 0


def _percent(value: Any) -> int | None:
    """Return whole percent, because a fraction would make each reply a visible change."""
    return round(value) if is_number(value) and 0 <= value <= 100 else None


def _is_state(value: Any) -> bool:
    return isinstance(value, str) and value in _STATE_NAMES
