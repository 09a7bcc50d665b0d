"""The bridge's WSGI server: gunicorn with one process of many threads, because each WebSocket holds a thread."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from castray_bridge.web.http_worker import HTTPWorker
from servicekit.sockets import allow_descriptors

_THREADS: Final = 1200
"""Created on demand. Slow clients and WebSockets hold one each; with 64 threads 500 slow clients block the service."""


class _Logger(Logger):  # type: ignore[misc] # gunicorn has no types
    """gunicorn's lines in the form of all others, with their priority in the journal."""

    def setup(self, cfg: Any) -> None:
        """Called by gunicorn."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """Serves the application of `make_app`, called in the serving process because threads do not survive a fork."""

    def __init__(
        self,
        sock: socket.socket,
        make_app: Callable[[], Flask],
        before_stop: Callable[[], None],
        after_stop: Callable[[], None],
    ) -> None:
        """Take a bound socket, because gunicorn itself retries a busy address for five seconds.

        `before_stop` runs at the signal, `after_stop` after the last reply.
        """
        self._sock = sock
        self._make_app = make_app
        self._before_stop = before_stop
        self._after_stop = after_stop
        super().__init__()

    def load_config(self) -> None:
        """Configure gunicorn; called by it."""
        before_stop = self._before_stop

        class Worker(HTTPWorker):
            def handle_exit(self, sig: int, frame: FrameType | None) -> None:
                before_stop()
                super().handle_exit(sig, frame)

        def pre_fork(arbiter: Any, worker: Any) -> None:
            gc.freeze()  # else the first full collection copies the memory that the two processes share

        def worker_exit(arbiter: Any, worker: Any) -> None:
            self._after_stop()

        for name, value in {
            "bind": f"fd://{self._sock.fileno()}",
            "worker_class": Worker,
            "workers": 1,
            "threads": _THREADS,
            "worker_connections": min(2 * _THREADS, allow_descriptors(4 * _THREADS) // 2),  # the rest is for probes
            "keepalive": 15,
            "graceful_timeout": 3,
            "timeout": 30,
            "limit_request_line": 8190,
            "loglevel": "warning",
            "logger_class": _Logger,
            "pre_fork": pre_fork,
            "worker_exit": worker_exit,
            "control_socket_disable": True,  # a second control channel, in the home directory
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application; called by gunicorn in the serving process."""
        return self._make_app()
