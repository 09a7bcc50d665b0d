"""The bridge's WSGI server: gunicorn with one process of many threads, which is what WebSockets need."""

from __future__ import annotations

import contextlib
import gc
import json
import logging
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.http import errors
from gunicorn.workers.gthread import ThreadWorker

from servicekit.log import RateLimit, event
from servicekit.sockets import allow_descriptors

_THREADS: Final = 1200
"""Made on demand. Slow clients and WebSockets hold one each; with 64 of them 500 slow clients stop everything."""
_REFUSALS: Final = (
    (errors.LimitRequestLine, "414 URI Too Long"),
    (errors.LimitRequestHeaders, "431 Request Header Fields Too Large"),
    (errors.ExpectationFailed, "417 Expectation Failed"),
    ((errors.ParseException, errors.InvalidChunkSize, errors.ChunkMissingTerminator), "400 Bad Request"),
)
"""What is no HTTP, by gunicorn's exceptions; the first that fits counts."""

_log = logging.getLogger(__name__)


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """Serves what `make_app` returns. Called in the process that serves, because threads do not survive a fork."""

    def __init__(
        self,
        sock: socket.socket,
        make_app: Callable[[], Flask],
        before_stop: Callable[[], None],
        after_stop: Callable[[], None],
    ) -> None:
        """Take a bound socket: gunicorn itself would try for five seconds to get a busy address.

        `before_stop` runs when the signal comes, `after_stop` when the last request is answered.
        """
        self._sock = sock
        self._make_app = make_app
        self._before_stop = before_stop
        self._after_stop = after_stop
        super().__init__()

    def load_config(self) -> None:
        """Configure gunicorn; called by it."""
        before_stop = self._before_stop
        limit = RateLimit(burst=10, period=60.0)

        class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
            def handle_error(self, req: Any, client: socket.socket, addr: Any, exc: BaseException) -> None:
                status = next((status for kinds, status in _REFUSALS if isinstance(exc, kinds)), None)
                if status is None:
                    super().handle_error(req, client, addr, exc)
                    return
                held_back = limit.admit()
                if held_back is not None:
                    _log.warning(event("request_refused", status=status, reason=exc, peer=addr, held_back=held_back))
                _refuse(client, status)

            def handle_exit(self, sig: int, frame: FrameType | None) -> None:
                before_stop()
                super().handle_exit(sig, frame)

        def pre_fork(arbiter: Any, worker: Any) -> None:
            gc.freeze()  # else the first full collection would write to, and so copy, all that the two processes share

        def worker_exit(arbiter: Any, worker: Any) -> None:
            self._after_stop()

        for name, value in {
            "bind": f"fd://{self._sock.fileno()}",
            "worker_class": Worker,
            "workers": 1,
            "threads": _THREADS,
            "worker_connections": min(2 * _THREADS, allow_descriptors(4 * _THREADS) // 2),  # the rest is for nodes
            "keepalive": 15,
            "graceful_timeout": 3,
            "timeout": 30,
            "limit_request_line": 8190,
            "loglevel": "warning",
            "pre_fork": pre_fork,
            "worker_exit": worker_exit,
            "control_socket_disable": True,  # a second way to steer the service, in somebody's home directory
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application; called by gunicorn in the serving process."""
        return self._make_app()


def _refuse(client: socket.socket, status: str) -> None:
    """Answer with a JSON error where gunicorn itself would send a page of HTML."""
    body = json.dumps({"error": status.partition(" ")[2].lower()})
    head = f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n"
    with contextlib.suppress(OSError):  # the client may be gone
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
