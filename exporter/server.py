"""The monitor's WSGI server: waitress, tuned for a small board with many slow clients."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any, Final

from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.server import create_server
from waitress.task import ErrorTask

from exporter.access import BODY_LIMIT
from exporter.api import MAX_WAITERS
from servicekit.cli import Address, StartError

_THREADS: Final = MAX_WAITERS + 4
"""All long polls may wait at once and still leave threads for ordinary requests."""


class _JSONErrorTask(ErrorTask):  # type: ignore[misc] # waitress has no types
    """What waitress itself refuses (bad request line, headers or body too long), as JSON."""

    def execute(self) -> None:
        error = self.request.error
        body = json.dumps({"error": f"{error.reason}: {error.body}"}).encode()
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


class _Channel(HTTPChannel):  # type: ignore[misc] # waitress has no types
    error_task_class = _JSONErrorTask
    parser_class = _Parser


class Server:
    """Listens from construction on; `run` serves until SIGTERM or SIGINT."""

    def __init__(self, app: Flask, listen: Address) -> None:
        """Bind the socket. Raises `StartError` when the address cannot be had."""
        try:
            self._server: Any = create_server(
                app,
                host=listen.host,
                port=listen.port,
                threads=_THREADS,
                ident=None,
                connection_limit=2000,
                asyncore_use_poll=True,  # select() ends at 1024 descriptors
                channel_timeout=60,
                cleanup_interval=10,
                recv_bytes=BODY_LIMIT,  # what is left unread resets the connection, and the refusal is never seen
                max_request_header_size=16 * 1024,
                max_request_body_size=4 * BODY_LIMIT,
                clear_untrusted_proxy_headers=True,
            )
        except OSError as error:
            raise StartError(f"cannot listen on {listen}: {error.strerror}") from None
        self._server.channel_class = _Channel
        self.address = Address(listen.host, int(self._server.effective_port))

    def run(self, before_stop: Callable[[], None]) -> None:
        """Serve; on a signal call `before_stop`, finish the requests under way and return."""

        def stop(*_: object) -> None:
            before_stop()
            raise SystemExit  # what waitress takes for an orderly end

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, stop)
        self._server.run()
        self._server.close()
