"""Access control of the bridge's readers: origins of web pages, token, host names."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from flask import Flask, Response, abort, request

from servicekit.http import require_known_host
from servicekit.secrets import bearer, equal

WEBSOCKET_PATH: Final = "/ws"
BEARER_PROTOCOL: Final = "cmzsb.bearer"
"""Subprotocol that a browser offers beside the token, because it cannot send `Authorization` with a WebSocket."""
DELTA_PROTOCOL: Final = "castray.delta.v1"
"""Subprotocol of the whole list once, and then only what changes."""
_OPEN_PATHS: Final = re.compile(r"/|/static/.*|/api/health")
"""Readable without the token: the page itself contains no data, and health is for watchdogs."""


_PREFLIGHT_HEADERS: Final = "Authorization, Cache-Control, Content-Type, X-Requested-With"
"""Request headers that dashboards send, and for which browsers ask first."""


@dataclass(frozen=True, slots=True)
class Access:
    """Readers admitted: pages of `origins` (empty: all) and clients with `token` (None: all), under `host_names`."""

    origins: tuple[str, ...] = ()
    token: str | Callable[[], str] | None = None
    """The token, or a function that returns the one of now."""
    host_names: frozenset[str] = frozenset()

    def current_token(self) -> str | None:
        """Return the token of now; None when none is demanded."""
        return self.token() if callable(self.token) else self.token


def guard(app: Flask, access: Access) -> None:
    """Enforce `access`: 421 for an unknown host, 403 for a foreign page at the WebSocket, 401 without the token."""
    require_known_host(app, access.host_names)

    @app.before_request
    def check_reader() -> None:
        origin = request.headers.get("Origin")
        if request.path == WEBSOCKET_PATH and origin is not None and not _may_connect(origin, access.origins):
            abort(403, "pages of this origin may not connect; see --cors-origin")
        if access.token is None or _OPEN_PATHS.fullmatch(request.path) or _is_preflight():
            return
        if not _holds(access.current_token() or ""):
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
                response.headers["Access-Control-Allow-Headers"] = _PREFLIGHT_HEADERS
                response.headers["Access-Control-Max-Age"] = "600"
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def bearer_protocols(token: str) -> list[str]:
    """Return the subprotocols that carry `token`, in base64url because a subprotocol has a limited alphabet."""
    return [BEARER_PROTOCOL, base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")]


def _may_connect(origin: str, origins: tuple[str, ...]) -> bool:
    # The bridge's own page: compared without the scheme, which differs behind a proxy that terminates TLS.
    return not origins or origin in origins or origin.partition("://")[2] == request.host


def _is_preflight() -> bool:
    """Return whether this is a CORS preflight, which never carries the token."""
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
