"""The WSGI server: waitress, for one Alertmanager or a few."""

from __future__ import annotations

import logging
import signal
import socket
from collections.abc import Callable
from typing import Final, NoReturn

from flask import Flask
from waitress import create_server

from notify.api import BODY_LIMIT, MAX_DISPATCHES

_THREADS: Final = MAX_DISPATCHES + 8
_CONNECTIONS: Final = 200


def serve(app: Flask, sock: socket.socket, before_stop: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT; then call `before_stop` and finish the requests under way, within 5 s."""
    logging.getLogger("waitress").setLevel(logging.ERROR)
    server = create_server(
        app,
        sockets=[sock],
        threads=_THREADS,
        ident=None,
        connection_limit=_CONNECTIONS,
        channel_timeout=60,
        max_request_header_size=16 * 1024,
        max_request_body_size=BODY_LIMIT,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=True,
    )

    def stop(*_: object) -> NoReturn:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)  # a second one would end the wait for the deliveries
        # waitress' own loop ends on this and waits for its threads.
        raise SystemExit

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.run()
    before_stop()
