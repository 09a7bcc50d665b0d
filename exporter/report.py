"""One report of an inference script: from the bytes of a request body to a checked value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from exporter.states import BY_NAME, REPORTABLE, State
from servicekit.json_types import is_integer, is_number, kind
from servicekit.strict_json import StrictJSONError, loads

MESSAGE_LIMIT: Final = 2000
TASK_LIMIT: Final = 500
TASK_INFO_LIMIT: Final = 16 * 1024
"""Bytes of JSON. With the two above it keeps a status reply below the 64 KiB that its readers accept."""
INCREMENT_LIMIT: Final = 1_000_000
TOTAL_LIMIT: Final = 10**12
SEQUENCE_LIMIT: Final = 2**53
SESSION_LIMIT: Final = 64
DURATION_LIMIT: Final = 3600.0
DURATIONS_LIMIT: Final = 1000
TTL_MIN: Final = 1.0
TTL_MAX: Final = 86400.0


class ReportError(ValueError):
    """The body is not an acceptable report; the message says what is wrong and where."""


class Totals(NamedTuple):
    """How many inputs were processed, were of low confidence, were sent to the server."""

    processed: int = 0
    low_confidence: int = 0
    sent_to_server: int = 0

    def plus(self, other: Totals) -> Totals:
        """Return the sums, field by field."""
        return Totals(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))

    def beyond(self, earlier: Totals) -> Totals:
        """Return by how much each field exceeds `earlier`; 0 where it does not."""
        return Totals(*(max(0, mine - theirs) for mine, theirs in zip(self, earlier, strict=True)))


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says; None where it says nothing."""

    state: State
    message: str = ""
    current_task: str | None = None
    task_info: dict[str, Any] | None = None
    timestamp: str | float | None = None
    """The reporter's own clock: recorded, never trusted."""
    ttl: float | None = None
    """Seconds after which silence means that the reporter is gone."""
    processed: int | None = None
    low_confidence: int | None = None
    sent_to_server: int | None = None
    inference_seconds: tuple[float, ...] = ()
    session: str | None = None
    sequence: int | None = None
    totals: Totals | None = None
    heartbeat: bool = False
    """No event: the reporter lives, is in `state` still, and may have counted something."""
    unknown_fields: tuple[str, ...] = ()
    """Names that this version does not know; a newer reporter may send them."""


def parse_report(body: bytes) -> Report:
    """Check one request body and return its report. Raises `ReportError`."""
    try:
        fields = loads(body)
    except StrictJSONError as error:
        raise ReportError(str(error)) from None
    if not isinstance(fields, dict):
        raise ReportError(f"the body must be a JSON object, not {kind(fields)}")
    report = Report(
        state=_state(fields),
        message=_text(fields, "message", MESSAGE_LIMIT) or "",
        current_task=_text(fields, "current_task", TASK_LIMIT),
        task_info=_task_info(fields),
        timestamp=_timestamp(fields),
        ttl=_ttl(fields),
        processed=_count(fields, "processed", INCREMENT_LIMIT),
        low_confidence=_count(fields, "low_confidence", INCREMENT_LIMIT),
        sent_to_server=_count(fields, "sent_to_server", INCREMENT_LIMIT),
        inference_seconds=_durations(fields),
        session=_session(fields),
        sequence=_count(fields, "sequence", SEQUENCE_LIMIT),
        totals=_totals(fields),
        heartbeat=_flag(fields, "heartbeat"),
        unknown_fields=tuple(sorted(fields.keys() - _KNOWN)),
    )
    _check_together(report)
    return report


_KNOWN: Final = frozenset(Report.__dataclass_fields__) - {"state", "unknown_fields"} | {"status"}


def _check_together(report: Report) -> None:
    if report.session is None:
        for name in ("sequence", "totals"):
            if getattr(report, name) is not None:
                raise ReportError(f"{name}: only together with session")
    elif report.totals is not None:
        for name in Totals._fields:
            if getattr(report, name) is not None:
                raise ReportError(f"{name}: either as an increment or in totals, not both")


def _state(fields: dict[str, Any]) -> State:
    valid = ", ".join(state.name for state in REPORTABLE)
    name = fields.get("status")
    if name is None:
        raise ReportError(f"status: required; one of {valid}")
    state = BY_NAME.get(name) if isinstance(name, str) else None
    if state is None or not state.reportable:
        shown = f"{name[:40]!a}" if isinstance(name, str) else kind(name)
        raise ReportError(f"status: {shown} is not one of {valid}")
    return state


def _text(fields: dict[str, Any], name: str, limit: int) -> str | None:
    # Long text is cut, not refused: a script that posts a whole traceback must still move the light.
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ReportError(f"{name}: must be a string, not {kind(value)}")
    return value if len(value) <= limit else value[: limit - 1] + "…"


def _task_info(fields: dict[str, Any]) -> dict[str, Any] | None:
    value = fields.get("task_info")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ReportError(f"task_info: must be an object, not {kind(value)}")
    if len(json.dumps(value, ensure_ascii=False).encode()) > TASK_INFO_LIMIT:
        raise ReportError(f"task_info: larger than {TASK_INFO_LIMIT} bytes")
    return value


def _timestamp(fields: dict[str, Any]) -> str | float | None:
    value = fields.get("timestamp")
    if value is None or (isinstance(value, str) and len(value) <= 64) or is_number(value):
        return value
    raise ReportError("timestamp: must be a string of at most 64 characters or a number")


def _ttl(fields: dict[str, Any]) -> float | None:
    value = fields.get("ttl")
    if value is None:
        return None
    if not is_number(value) or not TTL_MIN <= value <= TTL_MAX:
        raise ReportError(f"ttl: must be a number of seconds from {TTL_MIN:g} to {TTL_MAX:g}")
    return float(value)


def _count(fields: dict[str, Any], name: str, limit: int, where: str = "") -> int | None:
    value = fields.get(name)
    if value is None:
        return None
    if not is_integer(value) or not 0 <= value <= limit:
        raise ReportError(f"{where}{name}: must be an integer from 0 to {limit}")
    return value


def _durations(fields: dict[str, Any]) -> tuple[float, ...]:
    value = fields.get("inference_seconds")
    if value is None:
        return ()
    numbers = value if isinstance(value, list) else [value]
    if len(numbers) > DURATIONS_LIMIT:
        raise ReportError(f"inference_seconds: more than {DURATIONS_LIMIT} values")
    for position, number in enumerate(numbers):
        if not is_number(number) or not 0 <= number <= DURATION_LIMIT:
            where = f"inference_seconds[{position}]" if isinstance(value, list) else "inference_seconds"
            raise ReportError(f"{where}: must be a number of seconds from 0 to {DURATION_LIMIT:g}")
    return tuple(float(number) for number in numbers)


def _session(fields: dict[str, Any]) -> str | None:
    value = fields.get("session")
    if value is None or (isinstance(value, str) and 0 < len(value) <= SESSION_LIMIT):
        return value
    raise ReportError(f"session: must be a string of 1 to {SESSION_LIMIT} characters")


def _totals(fields: dict[str, Any]) -> Totals | None:
    value = fields.get("totals")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise ReportError(f"totals: must be an object, not {kind(value)}")
    return Totals(*(_count(value, name, TOTAL_LIMIT, "totals.") or 0 for name in Totals._fields))


def _flag(fields: dict[str, Any], name: str) -> bool:
    value = fields.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise ReportError(f"{name}: must be true or false, not {kind(value)}")
