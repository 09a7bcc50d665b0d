"""The most frequent reply, sent before Flask, because Flask's own work is most of its time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from exporter.status.view import StatusView
from exporter.web.replies import StatusBody

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
"""A WSGI application (PEP 3333); `wsgiref.types` exists from Python 3.11 on only."""

READ_HEADERS: Final = (("Access-Control-Allow-Origin", "*"), ("Cache-Control", "no-store"))
"""Headers of every reply to a read: pages of any origin may read it, no cache may store it."""


class StatusFastPath:
    """WSGI middleware that answers a plain `GET /api/status`.

    Every other request (parameters, another method, an unknown `Host`, an error) goes to `app`, which answers the
    same endpoint with the same bytes.
    """

    def __init__(
        self,
        app: Application,
        view: Callable[[], StatusView],
        body: StatusBody,
        is_known_host: Callable[[str], bool],
    ) -> None:
        self._app = app
        self._view = view
        self._body = body
        self._is_known_host = is_known_host

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if not self._is_plain(environ):
            return self._app(environ, start_response)
        try:
            body = self._body.of(self._view())
        except Exception:  # noqa: BLE001 (the application raises it too, and answers, counts and logs it)
            return self._app(environ, start_response)
        head = [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *READ_HEADERS]
        start_response("200 OK", head)
        return [body]

    def _is_plain(self, environ: Environ) -> bool:
        return (
            environ["PATH_INFO"] == "/api/status"
            and environ["REQUEST_METHOD"] == "GET"
            and not environ["QUERY_STRING"]
            and self._is_known_host(environ.get("HTTP_HOST", ""))
        )
