"""gunicorn's gthread worker with replies from its loop, JSON errors for malformed requests, and a close elsewhere."""

from __future__ import annotations

import contextlib
import json
import logging
import selectors
import socket
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from gunicorn import util
from gunicorn.http import errors, wsgi
from gunicorn.workers.gthread import TConn, ThreadWorker

from castray_bridge.web.ready_requests import ReadyRequests
from servicekit.log import RateLimit, event
from servicekit.sockets import discard_unsent

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

_STOP_SECONDS: Final = 2.0
"""How long a stopping worker waits for the request of a client that has connected."""

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
    """The serving process.

    Its loop waits for what clients send and for room to send them more; a thread of the pool works where that may
    take time.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Called by gunicorn."""
        super().__init__(*arguments, **options)
        self._malformed_limit = RateLimit(burst=10, period=60.0)
        self._ready: ReadyRequests | None = None
        self._unsent: dict[Any, memoryview] = {}
        """What clients have not taken yet of a reply from the loop."""

    def load_wsgi(self) -> None:
        """Called by gunicorn."""
        super().load_wsgi()
        self._ready = ReadyRequests(self.wsgi.wsgi_app)

    def accept(self, listener: socket.socket) -> None:
        """Take the connections that have come, and wait for their requests in the loop.

        gunicorn takes one in each turn of its loop, and holds a thread until the first bytes arrive.
        """
        with contextlib.suppress(BlockingIOError, ConnectionAbortedError):
            while self.nr_conns < self.worker_connections:
                sock, address = listener.accept()
                self.nr_conns += 1
                conn = TConn(self.cfg, sock, address, listener.getsockname())
                conn.set_timeout()
                self.pending_conns.append(conn)
                self.poller.register(sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def on_pending_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Serve the first request of a connection."""
        if not self._reply_at_once(conn, self.pending_conns):
            super().on_pending_socket_readable(conn, client)

    def on_client_socket_readable(self, conn: Any, client: socket.socket) -> None:
        """Serve a later request of a connection."""
        if not self._reply_at_once(conn, self.keepalived_conns):
            super().on_client_socket_readable(conn, client)

    def _reply_at_once(self, conn: Any, waiting: deque[Any]) -> bool:
        """Reply from the loop if the request is known; return whether it was. `waiting` is where gunicorn has it."""
        conn.head = b""
        if self._ready is None or not self.alive:
            return False
        conn.head = self._ready.peek(conn.sock)
        reply = self._ready.reply(conn.head)
        if reply is None:
            return False
        conn.sock.recv(len(conn.head))
        waiting.remove(conn)
        self._send(conn, memoryview(reply))
        return True

    def _send(self, conn: Any, reply: memoryview) -> None:
        """Send what the client takes now, and the rest when it takes more; then wait for its next request."""
        try:
            rest = reply[conn.sock.send(reply) :]
        except BlockingIOError:
            rest = reply
        except OSError:  # the client is gone
            self._unsent.pop(conn, None)
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()
            return
        conn.set_timeout()
        if rest:
            self._unsent[conn] = rest
            self.poller.modify(conn.sock, selectors.EVENT_WRITE, partial(self._send_more, conn))
        else:
            self._unsent.pop(conn, None)
            self.keepalived_conns.append(conn)
            self.poller.modify(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))

    def _send_more(self, conn: Any, client: socket.socket) -> None:
        self._send(conn, self._unsent[conn])

    def murder_pending(self) -> None:
        """Called by gunicorn in each turn of its loop: close connections that have been idle for too long."""
        now = time.monotonic()
        if not self.alive:
            for conn in self.pending_conns:
                conn.timeout = min(conn.timeout, now + _STOP_SECONDS)
        super().murder_pending()
        for conn in [each for each in self._unsent if each.timeout < now]:
            discard_unsent(conn.sock)
            del self._unsent[conn]
            self.poller.unregister(conn.sock)
            self.nr_conns -= 1
            conn.close()

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
        head, conn.head = conn.head, b""  # the next request on the connection may come without having been peeked at
        if any(name in _BODY_HEADERS and value != "0" for name, value in req.headers):
            # No endpoint reads a body, and gunicorn would hold the thread until the body has arrived.
            req.force_close()
        elif self._ready is not None and self._ready.may_learn(head, req):
            _, environ = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg)
            self._ready.learn(head, environ)
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
