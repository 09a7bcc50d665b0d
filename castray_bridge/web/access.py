"""Access control of the bridge's readers: origins of web pages, token, host names."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Flask, Response, abort, request
from werkzeug.wsgi import get_host

from servicekit.http import require_known_host
from servicekit.secrets import bearer, equal

Environ = Mapping[str, Any]
"""A request as in PEP 3333."""

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


class Guard:
    """Decides over requests as WSGI hands them over (PEP 3333). Thread-safe."""

    def __init__(self, access: Access, is_known_host: Callable[[str], bool]) -> None:
        self._access = access
        self._is_known_host = is_known_host

    def admits(self, environ: Environ, path: str) -> bool:
        """Return whether the request is neither misdirected nor refused."""
        return self._is_known_host(environ.get("HTTP_HOST", "")) and self.refusal(environ, path) is None

    def refusal(self, environ: Environ, path: str) -> tuple[int, str] | None:
        """Return status and reason for a request to `path` that is refused, whatever its host."""
        access, origin = self._access, environ.get("HTTP_ORIGIN")
        if path == WEBSOCKET_PATH and origin is not None and not _may_connect(environ, origin, access.origins):
            return 403, "pages of this origin may not connect; see --cors-origin"
        if access.token is None or _OPEN_PATHS.fullmatch(path) or _is_preflight(environ):
            return None
        if not _holds(environ, path, access.current_token() or ""):
            return 401, "this bridge demands a token: Authorization: Bearer …"
        return None

    def headers(self, environ: Environ) -> list[tuple[str, str]]:
        """Return the headers by which a browser lets the page that asked read the reply."""
        origins, origin = self._access.origins, environ.get("HTTP_ORIGIN")
        headers = [("Vary", "Origin")] if origins else []
        if not origins or origin in origins:
            headers.append(("Access-Control-Allow-Origin", str(origin) if origins else "*"))
            if _is_preflight(environ):
                headers.append(("Access-Control-Allow-Headers", _PREFLIGHT_HEADERS))
                headers.append(("Access-Control-Max-Age", "600"))
        return headers


def guard(app: Flask, access: Access) -> Guard:
    """Enforce `access`: 421 for an unknown host, 403 for a foreign page at the WebSocket, 401 without the token."""
    made = Guard(access, require_known_host(app, access.host_names))

    @app.before_request
    def check_reader() -> None:
        refusal = made.refusal(request.environ, request.path)
        if refusal is not None:
            abort(*refusal)

    @app.after_request
    def allow_reading(response: Response) -> Response:
        response.headers.extend(made.headers(request.environ))
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return made


def bearer_protocols(token: str) -> list[str]:
    """Return the subprotocols that carry `token`, in base64url because a subprotocol has a limited alphabet."""
    return [BEARER_PROTOCOL, base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")]


def _may_connect(environ: Environ, origin: str, origins: tuple[str, ...]) -> bool:
    # The bridge's own page: compared without the scheme, which differs behind a proxy that terminates TLS.
    return not origins or origin in origins or origin.partition("://")[2] == get_host(dict(environ))


def _is_preflight(environ: Environ) -> bool:
    """Return whether this is a CORS preflight, which never carries the token."""
    return environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def _holds(environ: Environ, path: str, token: str) -> bool:
    given = bearer(environ.get("HTTP_AUTHORIZATION", ""))
    if given is not None and equal(given, token):
        return True
    if path != WEBSOCKET_PATH:
        return False
    offered = [entry.strip() for entry in environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "").split(",")]
    name, encoded = bearer_protocols(token)
    return name in offered and any(equal(entry, encoded) for entry in offered)
