"""The reply that everybody asks for, given before Flask, whose work is most of the time that it takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeAlias

from exporter.status.view import StatusView
from exporter.web.replies import StatusBody

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]
"""WSGI's, see PEP 3333; `wsgiref.types` is there from Python 3.11 on only."""

READ_HEADERS: Final = (("Access-Control-Allow-Origin", "*"), ("Cache-Control", "no-store"))
"""What every reply to a reader carries: any page may read, nobody may keep it."""


class StatusFastPath:
    """WSGI middleware that answers a plain `GET /api/status`.

    Whatever is special about a request (parameters, another method, an unknown `Host`, an error) is for `app`, which
    answers the same endpoint in the same words.
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
        except Exception:  # noqa: BLE001 (the application meets it too, and answers, counts and logs it)
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
