"""The monitor's API in OpenAPI 3.0; the body of a report derives from the table that checks it."""

from __future__ import annotations

from typing import Any, Final

from exporter import report
from exporter.report_fields import ForeignTime
from exporter.states import REPORTABLE
from exporter.web.query import LARGEST
from servicekit.shares import LONGEST_STEP, SHORTEST_STEP
from servicekit.version import __version__

Schema = dict[str, Any]

_STATE: Final[Schema] = {"type": "string", "enum": [state.name for state in REPORTABLE]}
_TIME: Final[Schema] = {"type": "string", "format": "date-time"}
_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean"}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
_SECONDS: Final[Schema] = {"type": "number", "minimum": 0}
_VERSION: Final[Schema] = {"type": "integer", "minimum": 1, "maximum": LARGEST}
_ANYTHING: Final[Schema] = {"type": "object"}


def _object(optional: Schema | None = None, **required: Schema) -> Schema:
    """Return the schema of an object with exactly these members."""
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "additionalProperties": False,
    }


def _nullable(schema: Schema) -> Schema:
    return schema | {"nullable": True}


_TASK: Final = _nullable(_TEXT | {"maxLength": report.TASK_LIMIT})
_MESSAGE: Final = _TEXT | {"maxLength": report.MESSAGE_LIMIT}
_REPORTER_TIME: Final = _nullable(ForeignTime(report.TIMESTAMP_LIMIT).schema())

ERROR: Final = _object(error=_TEXT)
RECEIPT: Final = _object(success={"type": "boolean", "enum": [True]}, status=_STATE, timestamp=_TIME, version=_VERSION)
_BOARD: Final = {
    "board": _object(
        optional={"gpu": {"type": "number", "minimum": 0, "maximum": 100}, "temperature_celsius": {"type": "number"}}
    )
}
"""Unknown figures are left out."""
_STATUS: Final = {
    "status": _STATE,
    "timestamp": _TIME,
    "latest_state": _object(
        status=_STATE, timestamp=_TIME, current_task=_TASK, message=_MESSAGE, task_info=_nullable(_ANYTHING)
    ),
    "stats": _object(total_processed=_COUNT, low_confidence_count=_COUNT, sent_to_server=_COUNT),
    "node_id": _TEXT,
    "stale": _FLAG,
    "version": _VERSION,
}
STATUS: Final = _object(_BOARD, **_STATUS)
NODE_STATUS: Final = _object(
    node_id=_TEXT,
    status=_STATE,
    timestamp=_TIME,
    details=_object(
        _BOARD,
        **_STATUS,
        seconds_in_state=_SECONDS,
        reporter_timestamp=_REPORTER_TIME,
        last_report=_nullable(_TIME),
    ),
)
_HEALTH: Final = {
    "service": {"type": "string", "enum": ["CM-ZSB监控"]},
    "version": _TEXT,
    "uptime_seconds": _SECONDS,
}
HEALTHY: Final = _object(status={"type": "string", "enum": ["healthy"]}, **_HEALTH)
UNHEALTHY: Final = _object(status={"type": "string", "enum": ["unhealthy"]}, **_HEALTH, reason=_TEXT)
ALERTS: Final = _object(
    alerts={
        "type": "array",
        "items": _object(
            id={"type": "integer", "minimum": 1},
            timestamp=_TIME,
            node_id=_TEXT,
            level={"type": "string", "enum": ["warning"]},
            message=_TEXT,
            task_info=_nullable(_ANYTHING),
        ),
    }
)
_TRANSITIONS: Final[Schema] = {
    "type": "array",
    "items": _object(timestamp=_TIME, status=_STATE, duration_seconds=_SECONDS),
}
_STEP: Final[Schema] = {"type": "integer", "minimum": SHORTEST_STEP, "maximum": LONGEST_STEP}
_SHARES: Final = _object(
    step=_STEP,
    begin=_TIME,
    end=_TIME,
    seconds=_object({state.name: {"type": "array", "items": _SECONDS} for state in REPORTABLE}),
)
HISTORY: Final[Schema] = {"oneOf": [_TRANSITIONS, _SHARES]}


def report_body() -> dict[str, Any]:
    """Return the schema of a report; other members are ignored."""
    return {
        "type": "object",
        "required": [each.key for each in report.WIRE_FIELDS if each.is_required],
        "properties": {
            each.key: each.kind.schema() if each.is_required else _nullable(each.kind.schema())
            for each in report.WIRE_FIELDS
        },
    }


_LINK = {"description": "Leads to the next, older page (RFC 8288).", "schema": {"type": "string"}}


def _json(schema: dict[str, Any], text: str, **headers: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}, "headers": headers}


def _refusals(*codes: int) -> dict[str, Any]:
    return {str(code): _json(ERROR, "Refused.") for code in codes}


def _query(name: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}


def _get(text: str, schema: dict[str, Any], *parameters: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    responses = {"200": _json(schema, text), **_refusals(421), **others}
    return {"get": {"summary": text, "parameters": list(parameters), "responses": responses}}


def _list(text: str, schema: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    number = {"type": "integer", "minimum": 1, "maximum": LARGEST}
    limit = _query("limit", number, "Most entries on a page.")
    before = _query("before", number, "Where the page continues; given by `Link`.")
    return _get(
        text, schema, *parameters, limit, before, **_refusals(400, 503) | {"200": _json(schema, text, Link=_LINK)}
    )


def _update() -> dict[str, Any]:
    text = "Reports a work state; the reply comes when it is on disk."
    return {
        "post": {
            "summary": text,
            "requestBody": {"required": True, "content": {"application/json": {"schema": report_body()}}},
            "responses": {"200": _json(RECEIPT, text), **_refusals(400, 401, 403, 413, 415, 421)},
        }
    }


def description() -> dict[str, Any]:
    """Return the OpenAPI document."""
    address = {"an address of the node": {"value": "127.0.0.1"}}
    node_id = {
        "name": "node_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "examples": address,
    }
    instant = {"anyOf": [{"type": "number"}, {"type": "string", "format": "date-time"}]}
    return {
        "openapi": "3.0.3",
        "info": {"title": "CM-ZSB node monitor", "version": __version__},
        "paths": {
            "/api/status": _get(
                "The work status; with `wait` and `since`, as soon as its version differs.",
                STATUS,
                _query("wait", {"type": "number", "minimum": 0}, "Longest wait in seconds, cut to 25."),
                _query("since", {"type": "integer", "minimum": 0, "maximum": LARGEST}, "The version already known."),
                **_refusals(400),
            ),
            "/api/update_status": _update(),
            "/api/nodes/{node_id}/status": _get(
                "The same under this node's name, host name or address.",
                NODE_STATUS,
                node_id,
                **_refusals(404),
            ),
            "/api/health": _get(
                "Whether the monitor can persist reports.",
                HEALTHY,
                **{"503": _json(UNHEALTHY, "The journal cannot be written.")},
            ),
            "/api/alerts": _list("One record per send, newest first.", ALERTS),
            "/api/history": _list(
                "State transitions, oldest first; on the first page the last one is the current state.",
                HISTORY,
                _query("since", instant, "Unix seconds or RFC 3339; by default a day ago."),
                _query("step", _STEP, "Seconds per state in steps of so many seconds, instead of transitions."),
            ),
        },
    }
