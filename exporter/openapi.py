"""The monitor's API in OpenAPI 3.0, derived from the same table and bounds as the code that checks."""

from __future__ import annotations

from typing import Any

from exporter import report
from exporter.query import LARGEST
from exporter.states import REPORTABLE
from exporter.totals import Totals
from servicekit.version import __version__

_NAMES = [state.name for state in REPORTABLE]


def _json(schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


_ERROR = _json({"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}, "Refused.")
_ARRAY_OF_STAYS = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["timestamp", "status", "duration_seconds"],
        "properties": {
            "timestamp": {"type": "string", "format": "date-time"},
            "status": {"enum": _NAMES},
            "duration_seconds": {"type": "number", "minimum": 0},
        },
    },
}


def _refusals(*codes: int) -> dict[str, Any]:
    return {str(code): _ERROR for code in codes}


def _query(name: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}


def _get(
    text: str, schema: dict[str, Any], *parameters: dict[str, Any], refusals: tuple[int, ...] = ()
) -> dict[str, Any]:
    return {
        "get": {
            "summary": text,
            "parameters": list(parameters),
            "responses": {"200": _json(schema, text), **_refusals(421, *refusals)},
        }
    }


def _report_schema() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0, "maximum": report.INCREMENT_LIMIT, "nullable": True}
    duration = {"type": "number", "minimum": 0, "maximum": report.DURATION_LIMIT}
    total = {"type": "integer", "minimum": 0, "maximum": report.TOTAL_LIMIT}
    return {
        "type": "object",
        "required": ["status"],
        "properties": {
            "status": {"type": "string", "enum": _NAMES},
            "message": {"type": "string", "nullable": True},
            "current_task": {"type": "string", "nullable": True},
            "task_info": {"type": "object", "nullable": True},
            "timestamp": {"anyOf": [{"type": "string", "maxLength": 64}, {"type": "number"}], "nullable": True},
            "ttl": {"type": "number", "minimum": report.TTL_MIN, "maximum": report.TTL_MAX, "nullable": True},
            **dict.fromkeys(Totals._fields, count),
            "inference_seconds": {
                "anyOf": [duration, {"type": "array", "items": duration, "maxItems": report.DURATIONS_LIMIT}],
                "nullable": True,
            },
            "session": {"type": "string", "minLength": 1, "maxLength": report.SESSION_LIMIT, "nullable": True},
            "sequence": {"type": "integer", "minimum": 0, "maximum": report.SEQUENCE_LIMIT, "nullable": True},
            "totals": {
                "type": "object",
                "properties": dict.fromkeys(Totals._fields, total),
                "nullable": True,
            },
            "heartbeat": {"type": "boolean", "nullable": True},
        },
    }


def _update() -> dict[str, Any]:
    reply = {
        "type": "object",
        "required": ["success", "status", "timestamp", "version"],
        "properties": {
            "success": {"enum": [True]},
            "status": {"enum": _NAMES},
            "timestamp": {"type": "string", "format": "date-time"},
            "version": {"type": "integer"},
        },
    }
    text = "Report a work state; the reply comes when it is on disk."
    return {
        "post": {
            "summary": text,
            "requestBody": {"required": True, "content": {"application/json": {"schema": _report_schema()}}},
            "responses": {"200": _json(reply, text), **_refusals(400, 401, 403, 413, 415, 421)},
        }
    }


def description() -> dict[str, Any]:
    """Return the OpenAPI document."""
    anything = {"type": "object"}
    limit = _query("limit", {"type": "integer", "minimum": 1, "maximum": LARGEST}, "Most entries, the newest.")
    node_id = {"name": "node_id", "in": "path", "required": True, "schema": {"type": "string"}}
    status = {
        "type": "object",
        "required": ["status", "timestamp", "latest_state", "stats", "node_id", "stale", "version"],
    }
    return {
        "openapi": "3.0.3",
        "info": {"title": "CM-ZSB node monitor", "version": __version__},
        "paths": {
            "/api/status": _get(
                "The work status; with wait and since, as soon as its version is another.",
                status,
                _query("wait", {"type": "number", "minimum": 0}, "Longest wait in seconds, cut to 25."),
                _query("since", {"type": "integer", "minimum": 0, "maximum": LARGEST}, "The version already known."),
                refusals=(400,),
            ),
            "/api/update_status": _update(),
            "/api/nodes/{node_id}/status": _get(
                "The same under this node's name, host name or address.", anything, node_id, refusals=(404,)
            ),
            "/api/health": _get("Whether the monitor can keep what it is told.", anything, refusals=(503,)),
            "/api/alerts": _get("One record per event of sending, newest first.", anything, limit, refusals=(400,)),
            "/api/history": _get(
                "Stays in states, oldest first.",
                _ARRAY_OF_STAYS,
                _query("since", {"type": "number"}, "Unix seconds or RFC 3339; by default a day ago."),
                limit,
                refusals=(400,),
            ),
        },
    }
