"""The monitor's WSGI server: waitress, tuned for a small board with many slow clients."""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable
from typing import Any, Final

from flask import Flask
from waitress import wasyncore
from waitress.server import TcpWSGIServer

from exporter.web.access import BODY_LIMIT
from exporter.web.api import MAX_WAITERS
from exporter.web.channel import Channel
from exporter.web.refusals import RejectedReports
from servicekit.address import Address
from servicekit.log import RateLimit, event
from servicekit.sockets import allow_descriptors, bind, discard_unsent

_THREADS: Final = MAX_WAITERS + 4
"""All long polls may wait at once and leave threads for ordinary requests."""
_CONNECTIONS: Final = 2000
_OWN_DESCRIPTORS: Final = 96
"""Descriptors of the journal, and of the readers of it in every thread."""
_HELD_LIMIT: Final = 32 * 1024 * 1024
"""Most bytes that all clients together may occupy."""
_CLEANUP_SECONDS: Final = 0.25
FINISH_SECONDS: Final = 1.0
"""Time for requests in progress after the signal to stop."""

_log = logging.getLogger(__name__)


class _Listener(TcpWSGIServer):  # type: ignore[misc] # waitress has no types
    """The listening socket with its clients."""

    channel_class = Channel
    next_channel_cleanup = math.inf  # waitress would use the wall clock; `Server` calls `maintenance` instead

    def __init__(self, rejected: RejectedReports, *arguments: Any, **options: Any) -> None:
        self.rejected = rejected
        self.is_stopping = False
        self._warnings = RateLimit(burst=3, period=60.0)
        super().__init__(*arguments, **options)

    def readable(self) -> bool:
        was_full = self.in_connection_overflow
        takes_more = bool(super().readable())
        if self.in_connection_overflow and not was_full and self._warnings.admit() is not None:
            _log.warning(event("connections_full", limit=self.adj.connection_limit))
        return takes_more

    def maintenance(self, now: float) -> None:
        """Disconnect clients that are inactive for too long, and the least active ones while all hold too much."""
        clients = sorted(self.active_channels.values(), key=lambda client: client.last_activity)
        held = sum(client.held_bytes for client in clients)
        for client in clients:
            if client.is_overdue(now) or (held > _HELD_LIMIT and client.held_bytes):
                held -= client.held_bytes
                discard_unsent(client.socket)
                client.handle_close()  # `will_close` would wait until the client reads something

    def stop_listening(self) -> None:
        """Accept no more connections and requests."""
        self.is_stopping = True
        wasyncore.dispatcher.close(self)

    def is_busy(self, now: float) -> bool:
        """Return whether a request is in progress or a reply is being read."""
        return any(client.is_busy(now) for client in self.active_channels.values())


class Server:
    """Listens from construction on, at `address`; `run` serves until SIGTERM or SIGINT."""

    def __init__(
        self, app: Flask, listen: Address, rejected: RejectedReports, on_wait: Callable[[], None] = lambda: None
    ) -> None:
        """Bind the socket; `rejected` records reports that waitress rejects. Raises `StartError`.

        `on_wait` is called every second while the machine does not have the address yet.
        """
        sock = bind(listen, on_wait)
        # A client needs a second descriptor while it receives a file.
        limit = allow_descriptors(2 * _CONNECTIONS + _OWN_DESCRIPTORS)
        self._listener = _Listener(
            rejected,
            app,
            _sock=sock,
            bind_socket=False,
            sockinfo=(sock.family, sock.type, sock.proto, sock.getsockname()),
            threads=_THREADS,
            ident=None,
            connection_limit=max(1, min(_CONNECTIONS, (limit - _OWN_DESCRIPTORS) // 2)),
            recv_bytes=BODY_LIMIT,  # unread bytes would reset the connection before the client sees the error
            max_request_header_size=16 * 1024,
            max_request_body_size=4 * BODY_LIMIT,
            clear_untrusted_proxy_headers=True,
        )
        self.address = Address(listen.host, sock.getsockname()[1])
        self._cleanup_due = 0.0

    def run(self, before_stop: Callable[[], None]) -> None:
        """Serve; on a signal call `before_stop`, finish the requests in progress within `FINISH_SECONDS` and return."""
        listener = self._listener
        is_asked_to_stop = False

        def stop(*_: object) -> None:
            nonlocal is_asked_to_stop
            is_asked_to_stop = True
            listener.pull_trigger()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        while not is_asked_to_stop:
            self._turn(1.0)
        before_stop()
        listener.stop_listening()
        deadline = time.monotonic() + FINISH_SECONDS
        while (now := time.monotonic()) < deadline and listener.is_busy(now):
            self._turn(min(0.1, deadline - now))
        listener.task_dispatcher.shutdown(timeout=0.1)
        wasyncore.close_all(listener._map, ignore_all=True)

    def _turn(self, seconds: float) -> None:
        """Poll the sockets, for `seconds` at most, and handle their events."""
        wasyncore.poll2(seconds, self._listener._map)  # not poll(), whose select() ends at 1024 descriptors
        now = time.monotonic()
        if now >= self._cleanup_due:
            self._cleanup_due = now + _CLEANUP_SECONDS
            self._listener.maintenance(now)
