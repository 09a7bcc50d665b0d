"""The most frequent replies, sent before Flask, because Flask's own work is most of their time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from castray_bridge.web.access import Environ, Guard
from castray_bridge.web.documents import Documents, Reply

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
"""A WSGI application (PEP 3333)."""


class FastPath:
    """WSGI middleware that replies to a GET of a document.

    Every other request (another path or method, a reader who is not admitted, an old list, an error) goes to `app`,
    which has the same documents and the same guard.
    """

    def __init__(self, app: Application, documents: Documents, guard: Guard) -> None:
        self._app = app
        self._documents = documents
        self._guard = guard

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Reply to one request."""
        reply = self.reply(environ)
        if reply is None:
            return self._app(environ, start_response)
        start_response(reply.status, reply.headers)
        return [reply.body]

    def may_take(self, method: str, path: str) -> bool:
        """Return whether such a request may be for this, whatever its headers."""
        return method == "GET" and path in self._documents.paths

    def reply(self, environ: Environ) -> Reply | None:
        """Return the reply to a request; None if it is for `app`."""
        path = environ["PATH_INFO"]
        if not self.may_take(environ["REQUEST_METHOD"], path) or not self._guard.admits(environ, path):
            return None
        try:
            document = self._documents.at(path)
        except Exception:  # noqa: BLE001 (the application raises it too, and answers, counts and logs it)
            return None
        if document is None:
            return None
        reply = document.reply(environ)
        return reply._replace(headers=reply.headers + self._guard.headers(environ))
