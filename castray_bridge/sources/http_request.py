"""One HTTP GET in a thread of its own, with a deadline for the whole exchange.

`requests` limits each socket operation, so a server that sends a byte now and then holds it for ever. Here another
thread waits until the deadline and then shuts the connection down, which ends the read wherever it is.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class HTTPRequest:
    """A GET that starts at once, without redirects and without the environment's proxies.

    `failure`, or `status` and `body`, are set once it has ended. At most `body_limit` bytes and one chunk are kept, in
    one buffer: Ray's figures of a thousand nodes are 14 MB.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], timeout: float, body_limit: int, verify: bool | str = True
    ) -> None:
        self.failure: Exception | None = None
        self.status = 0
        self.body = bytearray()
        self._body_limit = body_limit
        self._adapter = _AbortableAdapter()
        options = {"headers": headers, "timeout": timeout, "verify": verify}
        self._thread = threading.Thread(target=self._run, args=(url, options), name="http-request", daemon=True)
        self._thread.start()

    def ended_by(self, deadline: float) -> bool:
        """Wait until `deadline` (of `time.monotonic`) at most; return whether the request has ended."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        return not self._thread.is_alive()

    def abort(self) -> None:
        """Shut the connection down. The thread ends at once, unless a resolver or a TLS handshake holds it."""
        self._adapter.abort()

    def _run(self, url: str, options: dict[str, Any]) -> None:
        try:
            with requests.Session() as session:
                session.trust_env = False
                session.mount("http://", self._adapter)
                session.mount("https://", self._adapter)
                with session.get(url, stream=True, allow_redirects=False, **options) as response:
                    self.status = response.status_code
                    self._read(response)
        except Exception as error:  # noqa: BLE001 (handed to the thread that waits for the result)
            self.failure = error

    def _read(self, response: requests.Response) -> None:
        for chunk in response.iter_content(64 * 1024):
            self.body += chunk
            if len(self.body) > self._body_limit:
                break


class _AbortableAdapter(HTTPAdapter):
    """Keeps the sockets of its connections, so that another thread can shut them down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_aborted = False
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make connections that report their sockets; called by `requests`."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pool_classes(self._opened)

    def abort(self) -> None:
        """Shut down the connections, also those that are established later."""
        with self._lock:
            self._is_aborted = True
            for connected in self._sockets:
                _shut_down(connected)

    def _opened(self, connected: socket.socket) -> None:
        with self._lock:
            self._sockets.append(connected)
            if self._is_aborted:
                _shut_down(connected)


def _shut_down(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the peer may have closed the connection before
        # Not the method of a TLS socket: it would take the TLS layer away from the thread that reads.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _pool_classes(opened: Callable[[socket.socket], None]) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            opened(self.sock)

    class SecureConnection(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            opened(self.sock)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}
