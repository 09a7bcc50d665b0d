"""HTTP that another thread can end at any instant: `requests`' own timeouts begin anew with every byte."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_Watch = Callable[[socket.socket], None]


class CuttableAdapter(HTTPAdapter):
    """For one request: `cut` ends it wherever it is, also within TLS; `close` frees what that took."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handles: list[socket.socket] = []
        self._is_cut = False
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Make connections that are watched; called by `requests`."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self._watch)

    def cut(self) -> None:
        """End what is under way and whatever would begin; whoever reads sees the end of the data or an error."""
        with self._lock:
            self._is_cut = True
            for handle in self._handles:
                _shut(handle)

    def close(self) -> None:
        """Free the connections."""
        super().close()
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()

    def _watch(self, connection: socket.socket) -> None:
        # A second handle: TLS takes the first away, and a reply that ends with its connection gives it up early.
        handle = connection.dup()
        with self._lock:
            self._handles.append(handle)
            if self._is_cut:
                _shut(handle)


def _shut(handle: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the peer may have been quicker
        handle.shutdown(socket.SHUT_RDWR)


def _pools(watch: _Watch) -> dict[str, type[HTTPConnectionPool]]:
    class Connection(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            connection = super()._new_conn()
            watch(connection)
            return connection

    class SecureConnection(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            connection = super()._new_conn()
            watch(connection)
            return connection

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}
