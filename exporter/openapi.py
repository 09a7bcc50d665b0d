"""The monitor's API in OpenAPI 3.0: its paths, parameters and refusals."""

from __future__ import annotations

from typing import Any

from exporter import schemas
from exporter.query import LARGEST
from servicekit.version import __version__

_LINK = {"description": "Leads to the next, older page (RFC 8288).", "schema": {"type": "string"}}


def _json(schema: dict[str, Any], text: str, **headers: dict[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}, "headers": headers}


def _refusals(*codes: int) -> dict[str, Any]:
    return {str(code): _json(schemas.ERROR, "Refused.") for code in codes}


def _query(name: str, schema: dict[str, Any], text: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": text}


def _get(text: str, schema: dict[str, Any], *parameters: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    responses = {"200": _json(schema, text), **_refusals(421), **others}
    return {"get": {"summary": text, "parameters": list(parameters), "responses": responses}}


def _list(text: str, schema: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    number = {"type": "integer", "minimum": 1, "maximum": LARGEST}
    limit = _query("limit", number, "Most entries on a page.")
    before = _query("before", number, "Where the page goes on, as `Link` says.")
    return _get(
        text, schema, *parameters, limit, before, **_refusals(400, 503) | {"200": _json(schema, text, Link=_LINK)}
    )


def _update() -> dict[str, Any]:
    text = "Report a work state; the reply comes when it is on disk."
    return {
        "post": {
            "summary": text,
            "requestBody": {"required": True, "content": {"application/json": {"schema": schemas.report_body()}}},
            "responses": {"200": _json(schemas.RECEIPT, text), **_refusals(400, 401, 403, 413, 415, 421)},
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
                "The work status; with wait and since, as soon as its version is another.",
                schemas.STATUS,
                _query("wait", {"type": "number", "minimum": 0}, "Longest wait in seconds, cut to 25."),
                _query("since", {"type": "integer", "minimum": 0, "maximum": LARGEST}, "The version already known."),
                **_refusals(400),
            ),
            "/api/update_status": _update(),
            "/api/nodes/{node_id}/status": _get(
                "The same under this node's name, host name or address.",
                schemas.NODE_STATUS,
                node_id,
                **_refusals(404),
            ),
            "/api/health": _get(
                "Whether the monitor can keep what it is told.",
                schemas.HEALTHY,
                **{"503": _json(schemas.UNHEALTHY, "The journal cannot be written.")},
            ),
            "/api/alerts": _list("One record per event of sending, newest first.", schemas.ALERTS),
            "/api/history": _list(
                "Stays in states, oldest first; on the first page the last one is the state now.",
                schemas.HISTORY,
                _query("since", instant, "Unix seconds or RFC 3339; by default a day ago."),
            ),
        },
    }
