"""The threads of gunicorn that serve the bridge's clients: JSON for what is no HTTP, and nobody waits for anybody."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import time
from typing import Any, Final

from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from servicekit.log import RateLimit, event

_REFUSALS: Final = (
    (errors.LimitRequestLine, "414 URI Too Long"),
    (errors.LimitRequestHeaders, "431 Request Header Fields Too Large"),
    (errors.ExpectationFailed, "417 Expectation Failed"),
    ((errors.ParseException, errors.InvalidChunkSize, errors.ChunkMissingTerminator), "400 Bad Request"),
)
"""What is no HTTP, by gunicorn's exceptions; the first that fits counts."""

_BODY_HEADERS: Final = frozenset({"CONTENT-LENGTH", "TRANSFER-ENCODING"})
_PART_SECONDS: Final = 0.5
"""How long a client may take to hang up after the last reply."""
_PART_BYTES: Final = 64 * 1024

_log = logging.getLogger(__name__)


class HTTPWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """The serving process."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Called by gunicorn."""
        super().__init__(*arguments, **options)
        self._refusals = RateLimit(burst=10, period=60.0)

    def handle(self, conn: Any) -> Any:
        """Serve one request in one of the threads; what this returns is false when it was the connection's last."""
        goes_on = super().handle(conn)
        if not goes_on:
            _part(conn.sock)
        return goes_on

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Let the application answer; return whether the connection may be used again."""
        if any(name in _BODY_HEADERS and value != "0" for name, value in req.headers):
            # Nothing here reads one, and gunicorn would hold the thread until it has come to an end.
            req.force_close()
        return bool(super().handle_request(req, conn))

    def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what is no HTTP, and log it now and then."""
        status = next((status for kinds, status in _REFUSALS if isinstance(exc, kinds)), None)
        if status is None:
            super().handle_error(req, client, addr, exc)
            return
        held_back = self._refusals.admit()
        if held_back is not None:
            _log.warning(event("request_refused", status=status, reason=exc, peer=addr, held_back=held_back))
        _refuse(client, status)


def _part(client: socket.socket) -> None:
    """Hang up once the client has its reply: at a close with bytes unread, the kernel could take the reply back.

    In the thread that served it; gunicorn's own way makes all others wait for up to two seconds.
    """
    deadline = time.monotonic() + _PART_SECONDS
    unread = _PART_BYTES
    with contextlib.suppress(OSError):  # the client was faster, or takes too long
        client.shutdown(socket.SHUT_WR)
        while unread > 0 and (left := deadline - time.monotonic()) > 0:
            client.settimeout(left)
            taken = len(client.recv(4096))
            if not taken:
                break
            unread -= taken
    with contextlib.suppress(OSError):
        client.shutdown(socket.SHUT_RDWR)


def _refuse(client: socket.socket, status: str) -> None:
    """Answer with a JSON error where gunicorn itself would send a page of HTML."""
    body = json.dumps({"error": status.partition(" ")[2].lower()})
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with contextlib.suppress(OSError):  # the client may be gone
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
