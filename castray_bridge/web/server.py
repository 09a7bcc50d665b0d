"""The bridge's WSGI server: gunicorn with one process of many threads, which is what WebSockets need."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication

from castray_bridge.web.http_worker import HTTPWorker
from servicekit.sockets import allow_descriptors

_THREADS: Final = 1200
"""Made on demand. Slow clients and WebSockets hold one each; with 64 of them 500 slow clients stop everything."""


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

        class Worker(HTTPWorker):
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
