"""Who may read from the bridge: which web pages, and holders of which token."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, abort, request

from servicekit.http import require_known_host
from servicekit.secrets import bearer, equal

WEBSOCKET_PATH: Final = "/ws"
BEARER_PROTOCOL: Final = "cmzsb.bearer"
"""Subprotocol that a browser, which can send no `Authorization` with a WebSocket, offers together with the token."""
_OPEN_PATHS: Final = re.compile(r"/|/static/.*|/api/health")
"""Readable without the token: the page itself holds no data, and health is for watchdogs."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may read: web pages of `origins` (empty: all), holders of `token` (None: everybody), under `host_names`."""

    origins: tuple[str, ...] = ()
    token: str | None = None
    host_names: frozenset[str] = frozenset()


def guard(app: Flask, access: Access) -> None:
    """Refuse whom `access` does not admit: 421 unknown host, 403 foreign page at the WebSocket, 401 without token."""
    require_known_host(app, access.host_names)

    @app.before_request
    def check_reader() -> None:
        origin = request.headers.get("Origin")
        if request.path == WEBSOCKET_PATH and origin is not None and not _may_connect(origin, access.origins):
            abort(403, "pages of this origin may not connect; see --cors-origin")
        if access.token is None or _OPEN_PATHS.fullmatch(request.path) or _is_preflight():
            return
        if not _holds(access.token):
            abort(401, "this bridge demands a token: Authorization: Bearer …")

    @app.after_request
    def allow_reading(response: Response) -> Response:
        origin = request.headers.get("Origin")
        allowed = "*" if not access.origins else origin if origin in access.origins else None
        if access.origins:
            response.headers["Vary"] = "Origin"
        if allowed:
            response.headers["Access-Control-Allow-Origin"] = allowed
            if _is_preflight():
                response.headers["Access-Control-Allow-Headers"] = "Authorization"
                response.headers["Access-Control-Max-Age"] = "600"
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def bearer_protocols(token: str) -> list[str]:
    """Return the subprotocols that show `token`: base64url, for not every token is a word of HTTP."""
    return [BEARER_PROTOCOL, base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")]


def _may_connect(origin: str, origins: tuple[str, ...]) -> bool:
    # The bridge's own page: compared without the scheme, which is another one behind a proxy that speaks TLS.
    return not origins or origin in origins or origin.partition("://")[2] == request.host


def _is_preflight() -> bool:
    """Return whether a browser asks whether a page may send its question with the token; that has none itself."""
    return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers


def _holds(token: str) -> bool:
    given = bearer(request.headers.get("Authorization", ""))
    if given is not None and equal(given, token):
        return True
    if request.path != WEBSOCKET_PATH:
        return False
    offered = [entry.strip() for entry in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    name, encoded = bearer_protocols(token)
    return name in offered and any(equal(entry, encoded) for entry in offered)
