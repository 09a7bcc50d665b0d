"""gunicorn's gthread worker with JSON errors for malformed requests and the lingering close in the serving thread."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from gunicorn import util
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from servicekit.log import RateLimit, event

_MALFORMED: Final = (
    (errors.LimitRequestLine, "414 URI Too Long"),
    (errors.LimitRequestHeaders, "431 Request Header Fields Too Large"),
    (errors.ExpectationFailed, "417 Expectation Failed"),
    ((errors.ParseException, errors.InvalidChunkSize, errors.ChunkMissingTerminator), "400 Bad Request"),
)
"""Replies to malformed requests by gunicorn's exception; the first match counts."""

_BODY_HEADERS: Final = frozenset({"CONTENT-LENGTH", "TRANSFER-ENCODING"})
_LINGER_SECONDS: Final = 0.5
"""How long a client may take to close its side after the last reply."""

_log = logging.getLogger(__name__)


class _ThreadPool(ThreadPoolExecutor):
    """Lets work wait for a thread where the system gives no further one; the worker would end with all connections."""

    def __init__(self, max_workers: int) -> None:
        super().__init__(max_workers)
        self._failures_limit = RateLimit(burst=1, period=60.0)

    def _adjust_thread_count(self) -> None:
        # Called by `submit` once the work is queued.
        try:
            super()._adjust_thread_count()
        except RuntimeError as error:
            held_back = self._failures_limit.admit()
            if held_back is not None:
                _log.warning(event("thread_failed", reason=error, threads=len(self._threads), held_back=held_back))


class HTTPWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """The serving process."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Called by gunicorn."""
        super().__init__(*arguments, **options)
        self._malformed_limit = RateLimit(burst=10, period=60.0)

    def get_thread_pool(self) -> ThreadPoolExecutor:
        """Return the pool that serves requests; called by gunicorn."""
        return _ThreadPool(self.cfg.threads)

    def handle(self, conn: Any) -> Any:
        """Serve one request in a thread of the pool; the result is false when it was the connection's last.

        The lingering close happens here, on a duplicate, because gunicorn does it in its main thread, where each
        connection delays all others for up to two seconds.
        """
        goes_on = super().handle(conn)
        if not goes_on:
            with contextlib.suppress(OSError):  # the client may have closed the connection
                util.close_graceful(conn.sock.dup(), _LINGER_SECONDS)
                conn.sock.shutdown(socket.SHUT_RDWR)
        return goes_on

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Let the application reply; return whether the connection may be used again."""
        if any(name in _BODY_HEADERS and value != "0" for name, value in req.headers):
            # No endpoint reads a body, and gunicorn would hold the thread until the body has arrived.
            req.force_close()
        return bool(super().handle_request(req, conn))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Reply to a malformed request with a JSON error; the log has at most ten of them a minute."""
        status = next((status for kinds, status in _MALFORMED if isinstance(exc, kinds)), None)
        if status is None:
            super().handle_error(req, client, addr, exc)
            return
        held_back = self._malformed_limit.admit()
        if held_back is not None:
            _log.warning(event("request_refused", status=status, reason=exc, peer=addr, held_back=held_back))
        _send_error(client, status)


def _send_error(client: socket.socket, status: str) -> None:
    """Send a JSON error, where gunicorn itself sends HTML."""
    body = json.dumps({"error": status.partition(" ")[2].lower()})
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with contextlib.suppress(OSError):  # the client may have closed the connection
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
