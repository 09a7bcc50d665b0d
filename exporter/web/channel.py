"""One client's connection in waitress: strict framing, JSON errors, one request at a time."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.task import ErrorTask, WSGITask

IDLE_SECONDS: Final = 60.0
"""A client without a request for so long is disconnected."""
STALLED_SECONDS: Final = 10.0
"""A client that reads nothing of its reply for so long is disconnected."""
LINGER_SECONDS: Final = 0.5
"""Longest wait for the end of what a client sends beyond a rejected request."""
LINGER_BYTES: Final = 256 * 1024
"""Most bytes read of it."""
_PROGRESS_SECONDS: Final = 0.3
"""While the service stops, a client that reads nothing for so long is not waited for."""


class _JSONErrorTask(ErrorTask):  # type: ignore[misc] # waitress has no types
    """A JSON error for what waitress itself rejects: a bad request line, headers or a body that are too long."""

    def execute(self) -> None:
        error, request = self.request.error, self.request
        text = f"{error.reason}: {error.body}"
        # A malformed request line has neither method nor path.
        method, path = getattr(request, "command", ""), getattr(request, "path", "")
        self.channel.server.rejected.reject(method, path, error.code, text, self.channel.addr[0])
        body = json.dumps({"error": text}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.channel.lingers = True
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _WholeTask(WSGITask):  # type: ignore[misc] # waitress has no types
    """Sends the head of a reply together with the first part of its body: one packet, for which a client wakes once."""

    def write(self, data: bytes) -> None:
        with self.channel.one_write():
            super().write(data)


class _Parser(HTTPRequestParser):  # type: ignore[misc] # waitress has no types
    def parse_header(self, header_plus: bytes) -> None:
        """Parse the head. Raises `ParsingError`, also for a body whose length two servers could read differently."""
        try:
            super().parse_header(header_plus)
        except (TransferEncodingNotImplemented, ValueError) as error:  # ValueError: a length of 5000 digits
            raise ParsingError(str(error)) from None
        if self.chunked:
            raise ParsingError("announce the length of the body; Transfer-Encoding is not accepted")


class Channel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    """A connection that is served one request at a time: the next one once the client has read the reply before it.

    Waitress itself processes all pipelined requests, until a worker waits for a client that reads nothing.
    """

    error_task_class = _JSONErrorTask
    task_class = _WholeTask
    parser_class = _Parser
    request: _Parser | None
    sent_continue: bool

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Called by waitress."""
        self.lingers = False
        """Whether the client may still be sending when its reply is complete."""
        self._linger_until: float | None = None
        self._linger_bytes = LINGER_BYTES
        self._pipelined = b""
        self._parts: list[bytes] | None = None
        """What is to be sent at once; None where each part is sent by itself."""
        self._active_at = time.monotonic()
        super().__init__(*arguments, **options)

    @property
    def last_activity(self) -> float:
        """Time of the last byte in either direction, by the monotonic clock; waitress would use the wall clock."""
        return self._active_at

    @last_activity.setter
    def last_activity(self, _: float) -> None:
        self._active_at = time.monotonic()

    def is_busy(self, now: float) -> bool:
        """Return whether a request is in progress or a reply is being read at `now` of the monotonic clock."""
        if self.total_outbufs_len:
            return now - self._active_at < _PROGRESS_SECONDS
        return bool(self.requests)

    @property
    def held_bytes(self) -> int:
        """Bytes that the client occupies in memory or on disk: unread replies, incomplete requests."""
        request = self.request
        unread = 0 if request is None else request.header_bytes_received + request.body_bytes_received
        return int(self.total_outbufs_len + len(self._pipelined) + unread)

    @contextlib.contextmanager
    def one_write(self) -> Iterator[None]:
        """Send all that is written meanwhile at once, at the end."""
        parts = self._parts = []
        try:
            yield
        finally:
            self._parts = None
        self.write_soon(b"".join(parts))

    def write_soon(self, data: Any) -> int:
        """Send `data`, as much as the client takes now; called by waitress."""
        if self._parts is None:
            return int(super().write_soon(data))
        self._parts.append(data)
        return len(data)

    def is_overdue(self, now: float) -> bool:
        """Return whether the client has been inactive for too long at `now` of the monotonic clock."""
        if self._linger_until is not None:
            return now >= self._linger_until
        silent = now - self._active_at
        if self.total_outbufs_len:
            return silent > STALLED_SECONDS
        return not self.requests and silent > IDLE_SECONDS

    def readable(self) -> bool:
        """Return whether to read from the client; called by waitress before each poll."""
        if self._linger_until is not None:
            return True
        if self._pipelined and super().readable():
            self.received(self._pipelined)
        return not (self._pipelined or self.server.is_stopping) and super().readable()

    def writable(self) -> bool:
        """Return whether to write to the client; called by waitress before each poll."""
        return self._linger_until is None and bool(super().writable())

    def handle_close(self) -> None:
        """Close the connection; called by waitress. A client that may still be sending gets its reply first.

        A close with bytes unread resets the connection, and the kernel then takes the reply back.
        """
        if self.lingers and self._linger_until is None and self.connected:
            self._linger_until = time.monotonic() + LINGER_SECONDS
            with contextlib.suppress(OSError):  # the client is gone, which the next read tells
                self.socket.shutdown(socket.SHUT_WR)
            return
        super().handle_close()

    def received(self, data: bytes) -> bool:
        """Take bytes up to the end of one request; called by waitress."""
        if self._linger_until is not None:
            self._linger_bytes -= len(data)
            if self._linger_bytes <= 0:
                self.handle_close()
            return False
        with self.requests_lock:
            if self.will_close or self.close_when_flushed:
                return False
            while data and not self.requests:
                data = data[self._take(data) :]
            self._pipelined = data
        return True

    def _take(self, data: bytes) -> int:
        if self.request is None:
            self.request = self.parser_class(self.adj)
        request = self.request
        taken = int(request.received(data))
        if request.expect_continue and request.headers_finished and not self.sent_continue:
            self.send_continue()
        if request.completed:
            self.request, self.sent_continue = None, False
            if not request.empty:
                self.requests.append(request)
                self.server.add_task(self)
        return taken
