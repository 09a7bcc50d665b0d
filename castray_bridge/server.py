"""The bridge's WSGI server: gunicorn with one process of many threads, which is what WebSockets need."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.workers.gthread import ThreadWorker

from servicekit.cli import Address, StartError

_THREADS: Final = 1200
"""Made on demand. Slow clients and WebSockets hold one each; with 64 of them 500 slow clients stop everything."""


def bind(listen: Address) -> socket.socket:
    """Return a bound socket. Raises `StartError`: gunicorn itself would try for five seconds."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(listen)
    except OSError as error:
        sock.close()
        raise StartError(f"cannot listen on {listen}: {error.strerror}") from None
    sock.set_inheritable(True)
    return sock


class Server(BaseApplication):  # type: ignore[misc] # gunicorn has no types
    """Serves what `make_app` returns. Called in the process that serves, because threads do not survive a fork."""

    def __init__(
        self,
        sock: socket.socket,
        make_app: Callable[[], Flask],
        before_stop: Callable[[], None],
        after_stop: Callable[[], None],
    ) -> None:
        """`before_stop` runs when the signal comes, `after_stop` when the last request is answered."""
        self._sock = sock
        self._make_app = make_app
        self._before_stop = before_stop
        self._after_stop = after_stop
        super().__init__()

    def load_config(self) -> None:
        """Configure gunicorn; called by it."""
        before_stop = self._before_stop

        class Worker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
            def handle_exit(self, sig: int, frame: FrameType | None) -> None:
                before_stop()
                super().handle_exit(sig, frame)

        def worker_exit(arbiter: Any, worker: Any) -> None:
            self._after_stop()

        for name, value in {
            "bind": f"fd://{self._sock.fileno()}",
            "worker_class": Worker,
            "workers": 1,
            "threads": _THREADS,
            "worker_connections": 2 * _THREADS,
            "keepalive": 15,
            "graceful_timeout": 3,
            "timeout": 30,
            "limit_request_line": 8190,
            "loglevel": "warning",
            "worker_exit": worker_exit,
        }.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application; called by gunicorn in the serving process."""
        return self._make_app()
