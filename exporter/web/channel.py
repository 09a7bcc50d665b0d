"""One client's connection in waitress: strict framing, JSON refusals, one request at a time."""

from __future__ import annotations

import json
import time
from typing import Any, Final

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.task import ErrorTask

IDLE_SECONDS: Final = 60.0
"""A client that asks nothing for so long is disconnected."""
STALLED_SECONDS: Final = 10.0
"""One that takes nothing of its reply for so long, too."""
_PROGRESS_SECONDS: Final = 0.3
"""At the end of the service one that takes nothing for so long is not waited for."""


class _JSONErrorTask(ErrorTask):  # type: ignore[misc] # waitress has no types
    """What waitress itself refuses (bad request line, headers or body too long), as JSON."""

    def execute(self) -> None:
        error, request = self.request.error, self.request
        text = f"{error.reason}: {error.body}"
        # Of a request line that cannot be read there is neither method nor path.
        method, path = getattr(request, "command", ""), getattr(request, "path", "")
        self.channel.server.refusals.note(method, path, error.code, text, self.channel.addr[0])
        body = json.dumps({"error": text}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers.append(("Content-Type", "application/json"))
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class _Parser(HTTPRequestParser):  # type: ignore[misc] # waitress has no types
    def parse_header(self, header_plus: bytes) -> None:
        """Read the head. Raises `ParsingError`, also for a body whose end two servers could see in two places."""
        try:
            super().parse_header(header_plus)
        except (TransferEncodingNotImplemented, ValueError) as error:  # ValueError: a length of 5000 digits
            raise ParsingError(str(error)) from None
        if self.chunked:
            raise ParsingError("announce the length of the body; Transfer-Encoding is not accepted")


class Channel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    """A connection that is served one request at a time: the next one once the reply before it has been taken.

    Waitress itself works off whatever was sent ahead, until a worker waits for a client that reads nothing.
    """

    error_task_class = _JSONErrorTask
    parser_class = _Parser
    request: _Parser | None
    sent_continue: bool

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """Called by waitress."""
        self._sent_ahead = b""
        self._active_at = time.monotonic()
        super().__init__(*arguments, **options)

    @property
    def last_activity(self) -> float:
        """When a byte last came or went, by the monotonic clock; waitress itself would take the one that can be set."""
        return self._active_at

    @last_activity.setter
    def last_activity(self, _: float) -> None:
        self._active_at = time.monotonic()

    def is_busy(self, now: float) -> bool:
        """Return whether a request is being worked on or a reply still being taken at `now` of the monotonic clock."""
        if self.total_outbufs_len:
            return now - self._active_at < _PROGRESS_SECONDS
        return bool(self.requests)

    @property
    def held_bytes(self) -> int:
        """How much memory or disk the client occupies: replies not taken, requests not complete."""
        request = self.request
        unread = 0 if request is None else request.header_bytes_received + request.body_bytes_received
        return int(self.total_outbufs_len + len(self._sent_ahead) + unread)

    def is_overdue(self, now: float) -> bool:
        """Return whether the client has been silent for too long at `now` of the monotonic clock."""
        silent = now - self._active_at
        if self.total_outbufs_len:
            return silent > STALLED_SECONDS
        return not self.requests and silent > IDLE_SECONDS

    def readable(self) -> bool:
        """Return whether to read from the client; called by waitress before each look at all sockets."""
        if self._sent_ahead and super().readable():
            self.received(self._sent_ahead)
        return not (self._sent_ahead or self.server.is_stopping) and super().readable()

    def received(self, data: bytes) -> bool:
        """Take in bytes up to the end of one request; called by waitress."""
        with self.requests_lock:
            if self.will_close or self.close_when_flushed:
                return False
            while data and not self.requests:
                data = data[self._take(data) :]
            self._sent_ahead = data
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
