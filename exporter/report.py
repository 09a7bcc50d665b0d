"""One report of an inference script: from the bytes of a request body to a checked value.

The metadata of `Report`'s fields is the one description of a report: the check, the OpenAPI document and the table in
docs/api.md derive from it.
"""

from __future__ import annotations

from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Final, NamedTuple

from exporter.report_fields import (
    AnyObject,
    Count,
    Counts,
    CutText,
    Durations,
    FieldType,
    Flag,
    ForeignTime,
    ReportError,
    Seconds,
    ShortText,
    StateName,
)
from exporter.states import REPORTABLE, State
from servicekit.json_types import kind
from servicekit.strict_json import StrictJSONError, loads

MESSAGE_LIMIT: Final = 2000
TASK_LIMIT: Final = 500
TASK_INFO_LIMIT: Final = 16 * 1024
"""Bytes of JSON. With the two above it keeps a status reply below the 64 KiB that its readers accept."""
INCREMENT_LIMIT: Final = 1_000_000
TOTAL_LIMIT: Final = 10**12
SEQUENCE_LIMIT: Final = 2**53
SESSION_LIMIT: Final = 64
TIMESTAMP_LIMIT: Final = 64
DURATION_LIMIT: Final = 3600.0
DURATIONS_LIMIT: Final = 1000
TTL_MIN: Final = 1.0
TTL_MAX: Final = 86400.0

__all__ = ["WIRE_FIELDS", "Report", "ReportError", "Totals", "WireField", "parse_report"]


class Totals(NamedTuple):
    """How many inputs were processed, were of low confidence, were sent to the server."""

    processed: int = 0
    low_confidence: int = 0
    sent_to_server: int = 0

    def plus(self, other: Totals) -> Totals:
        """Return the sums, field by field."""
        return Totals(*map(int.__add__, self, other))

    def beyond(self, earlier: Totals) -> Totals:
        """Return by how much each field exceeds `earlier`; 0 where it does not."""
        return Totals(*(max(0, difference) for difference in map(int.__sub__, self, earlier)))


def _reported(kind: FieldType, text: str, *, unit: str = "", key: str = "", convert: Any = None) -> dict[str, Any]:
    """Return the metadata of a field of type `kind`; `text` and `unit` are for the docs, `key` is its name in JSON.

    `convert` makes the attribute from the checked value. A field with a default may be missing or null.
    """
    return {"kind": kind, "text": text, "unit": unit, "key": key, "convert": convert}


_STATES: Final = [f"`{state.name}`" for state in REPORTABLE]
_INCREMENT: Final = Count(INCREMENT_LIMIT)
_INCREMENT_TEXT: Final = f"Increment, at most {INCREMENT_LIMIT:,}; replaces the implicit count"


@dataclass(frozen=True)
class Report:
    """The content of one report; None where it says nothing."""

    state: State = field(
        metadata=_reported(
            StateName(),
            f"{', '.join(_STATES[:-1])} or {_STATES[-1]}; the only field that must be there",
            key="status",
        )
    )
    message: str = field(
        default="",
        metadata=_reported(
            CutText(MESSAGE_LIMIT),
            f"For people; becomes the text of the alert record; cut to {MESSAGE_LIMIT:,} characters",
        ),
    )
    current_task: str | None = field(
        default=None,
        metadata=_reported(
            CutText(TASK_LIMIT), f"What is being worked on; shown beside the light; cut to {TASK_LIMIT:,} characters"
        ),
    )
    task_info: dict[str, Any] | None = field(
        default=None,
        metadata=_reported(
            AnyObject(TASK_INFO_LIMIT),
            f"Anything about the task; stored, never interpreted; at most {TASK_INFO_LIMIT // 1024} KiB",
        ),
    )
    timestamp: str | float | None = field(
        default=None,
        metadata=_reported(
            ForeignTime(TIMESTAMP_LIMIT),
            f"The reporter's clock; recorded, not trusted; a string has at most {TIMESTAMP_LIMIT} characters",
            unit="RFC 3339 or Unix seconds",
        ),
    )
    ttl: float | None = field(
        default=None,
        metadata=_reported(
            Seconds(TTL_MIN, TTL_MAX),
            f"{TTL_MIN:g} to {TTL_MAX:,.0f}, until the state falls back to `idle`; else `--report-ttl`",
            unit="seconds",
        ),
    )
    processed: int | None = field(default=None, metadata=_reported(_INCREMENT, _INCREMENT_TEXT, unit="results"))
    low_confidence: int | None = field(default=None, metadata=_reported(_INCREMENT, _INCREMENT_TEXT, unit="results"))
    sent_to_server: int | None = field(default=None, metadata=_reported(_INCREMENT, _INCREMENT_TEXT, unit="requests"))
    inference_seconds: tuple[float, ...] = field(
        default=(),
        metadata=_reported(
            Durations(Seconds(0.0, DURATION_LIMIT), DURATIONS_LIMIT),
            f"One duration or up to {DURATIONS_LIMIT:,}, each at most {DURATION_LIMIT:,.0f}, for the histogram",
            unit="seconds",
        ),
    )
    session: str | None = field(
        default=None,
        metadata=_reported(
            ShortText(SESSION_LIMIT), f"Names one life of a reporter, with `totals`; 1 to {SESSION_LIMIT} characters"
        ),
    )
    sequence: int | None = field(
        default=None,
        metadata=_reported(
            Count(SEQUENCE_LIMIT),
            "Number of the report in its session, from 1 on: one that is sent again is counted once",
        ),
    )
    totals: Totals | None = field(
        default=None,
        metadata=_reported(
            Counts(Count(TOTAL_LIMIT), Totals._fields),
            f"{', '.join(f'`{name}`' for name in Totals._fields)} since the session began,"
            f" each at most {TOTAL_LIMIT:,}",
            convert=Totals._make,
        ),
    )
    heartbeat: bool = field(
        default=False,
        metadata=_reported(
            Flag(),
            "true: no event, the script is still in that state. Counts nothing by itself and does not replace the state"
            " of another session",
        ),
    )
    unknown_fields: tuple[str, ...] = ()
    """Names that this version does not know; a newer reporter may send them."""


class WireField(NamedTuple):
    """One field of a report as it stands in JSON."""

    key: str
    kind: FieldType
    is_required: bool
    unit: str
    text: str
    attribute: str
    convert: Any


def _wire_field(each: Field[Any]) -> WireField:
    metadata = each.metadata
    return WireField(
        key=metadata["key"] or each.name,
        kind=metadata["kind"],
        is_required=each.default is MISSING,
        unit=metadata["unit"],
        text=metadata["text"],
        attribute=each.name,
        convert=metadata["convert"],
    )


WIRE_FIELDS: Final = tuple(_wire_field(each) for each in fields(Report) if each.metadata)
"""The fields of a report, in the order of the docs."""
_KEYS: Final = frozenset(each.key for each in WIRE_FIELDS)


def parse_report(body: bytes) -> Report:
    """Check one request body and return its report. Raises `ReportError`."""
    try:
        content = loads(body)
    except StrictJSONError as error:
        raise ReportError(str(error)) from None
    if not isinstance(content, dict):
        raise ReportError(f"the body must be a JSON object, not {kind(content)}")
    values = {}
    for each in WIRE_FIELDS:
        value = content.get(each.key)
        if value is not None:
            checked = each.kind.read(value, each.key)
            values[each.attribute] = each.convert(checked) if each.convert else checked
        elif each.is_required:
            raise ReportError(f"{each.key}: required; one of {', '.join(each.kind.schema()['enum'])}")
    report = Report(**values, unknown_fields=tuple(sorted(content.keys() - _KEYS)))
    _check_together(report)
    return report


def _check_together(report: Report) -> None:
    if report.session is None:
        for name in ("sequence", "totals"):
            if getattr(report, name) is not None:
                raise ReportError(f"{name}: only together with session")
    elif report.totals is not None:
        for name in Totals._fields:
            if getattr(report, name) is not None:
                raise ReportError(f"{name}: either as an increment or in totals, not both")
