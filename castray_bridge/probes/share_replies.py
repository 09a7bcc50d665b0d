"""A monitor's time per state and step, read from its reply and brought to the bridge's clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from castray_bridge.probes.history import end_of, transitions_of
from exporter.states import BY_NAME
from servicekit import strict_json
from servicekit.http_reply import ProbeError
from servicekit.json_types import is_number
from servicekit.shares import Shares

_SAME_CLOCK_SECONDS: Final = 0.5
"""A node's clock that differs by less is taken as the bridge's own: the difference may be that of the way."""
_TOLERANCE: Final = 1.001
"""Rounded figures may add up to a little more than the length of a step."""


def parse_shares(body: bytes, step: int, begin: float, received_at: float) -> Shares:
    """Read the body of a monitor's `GET /api/history?step=`; `begin` and `received_at` are the bridge's Unix time.

    Monitors before `step` reply with transitions, which are converted. Raises `ProbeError`: `not_json`, `bad_reply`.
    """
    try:
        reply = strict_json.loads(body)
    except strict_json.StrictJSONError as error:
        raise ProbeError("not_json") from error
    shares = Shares(step, begin, received_at)
    if isinstance(reply, list):
        _add_transitions(shares, transitions_of(reply), received_at)
    elif isinstance(reply, dict):
        _add_steps(shares, reply, received_at)
    else:
        raise ProbeError("bad_reply")
    return shares


def _add_transitions(shares: Shares, transitions: list[dict[str, Any]], received_at: float) -> None:
    if not transitions:
        return
    offset = _offset(received_at, end_of(transitions[-1]).timestamp())
    for transition in transitions:
        end = end_of(transition).timestamp() + offset
        shares.add(transition["status"], end - transition["duration_seconds"], end)


def _add_steps(shares: Shares, reply: dict[str, Any], received_at: float) -> None:
    begin, end, columns = _unix_time(reply.get("begin")), _unix_time(reply.get("end")), reply.get("seconds")
    if reply.get("step") != shares.step or not isinstance(columns, dict):
        raise ProbeError("bad_reply")
    offset = _offset(received_at, end)
    for state, seconds in columns.items():
        if state not in BY_NAME or not isinstance(seconds, list):
            raise ProbeError("bad_reply")
        for number, value in enumerate(seconds):
            starts = begin + number * shares.step
            length = min(float(shares.step), end - starts)
            if not is_number(value) or not 0 <= value <= shares.step * _TOLERANCE:
                raise ProbeError("bad_reply")
            if length > 0:
                shares.add(state, starts + offset, starts + offset + length, min(1.0, value / length))


def _offset(received_at: float, sent_at: float) -> float:
    """Return the seconds to be added to the node's times."""
    offset = received_at - sent_at
    return offset if abs(offset) > _SAME_CLOCK_SECONDS else 0.0


def _unix_time(value: Any) -> float:
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None:
            raise ProbeError("bad_reply")
        return instant.timestamp()
    except (TypeError, ValueError, OverflowError):
        raise ProbeError("bad_reply") from None
