"""One HTTP request to a node's monitor over a non-blocking socket, against one deadline.

The deadline covers connect, headers and body together: the caller of an `Exchange` calls `advance` when the socket is
ready and `close` when the deadline has passed, so that no peer can hold it longer. Addresses are IP literals, because
a resolver can take seconds.
"""

from __future__ import annotations

import errno
import select
import socket
import time
from contextlib import closing
from typing import Final

from servicekit.address import Address
from servicekit.http_reply import BODY_LIMIT, ProbeError, ReplyReader
from servicekit.version import __version__

_RECEIVE_BYTES: Final = 64 * 1024
_IN_PROGRESS: Final = frozenset({0, errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY})
_CONNECT_REASONS: Final = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout"}


def request_bytes(host: str, path: str, headers: tuple[str, ...] = ()) -> bytes:
    """Build a GET request of HTTP/1.0, because its reply is never chunked, compressed or kept alive."""
    lines = (
        f"GET {path} HTTP/1.0",
        f"Host: {host}",
        "Accept: application/json",
        f"User-Agent: castray-bridge/{__version__}",
        "Connection: close",
        *headers,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")


def failure_reason(error: OSError, connected: bool) -> str:
    """Return the reason of failure for a socket error before or after the connection was established."""
    if connected:
        return "bad_reply"
    return _CONNECT_REASONS.get(error.errno or 0, "unreachable")


class Exchange:
    """One request and its reply; not thread-safe.

    `connected` tells whether the peer accepted the connection, `wants_write` which event to wait for on the socket.
    """

    def __init__(self, address: Address, path: str, body_limit: int = BODY_LIMIT) -> None:
        """Start to connect. Raises `ProbeError` when that fails at once."""
        self._to_send = request_bytes(str(address), path)
        self._reader = ReplyReader(body_limit)
        self.connected = False
        family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        try:
            self._socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            raise ProbeError("unreachable") from error
        status = self._socket.connect_ex(address)
        if status not in _IN_PROGRESS:
            self.close()
            raise ProbeError(failure_reason(OSError(status, ""), connected=False))

    def fileno(self) -> int:
        """Return the socket's descriptor, for selectors."""
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether the connection is still to be established or a part of the request still to be sent."""
        return bool(self._to_send)

    def advance(self) -> bytes | None:
        """Do what the socket is ready for; return the reply's body once complete. Raises `ProbeError`."""
        try:
            if self._to_send:
                self._send()
                return None
            return self._reader.feed(self._socket.recv(_RECEIVE_BYTES))
        except BlockingIOError:
            return None
        except OSError as error:
            raise ProbeError(failure_reason(error, self.connected)) from error

    def close(self) -> None:
        """Close the connection; to be called in any case."""
        self._socket.close()

    def _send(self) -> None:
        if not self.connected:
            status = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if status:
                raise OSError(status, "connect")
            self.connected = True
        self._to_send = self._to_send[self._socket.send(self._to_send) :]


def http_get(address: Address, path: str, timeout: float, body_limit: int = BODY_LIMIT) -> bytes:
    """Send one request and return the reply's body after at most `timeout` seconds. Raises `ProbeError`."""
    deadline = time.monotonic() + timeout
    with closing(Exchange(address, path, body_limit)) as exchange:
        poll = select.poll()
        while (left := deadline - time.monotonic()) > 0:
            poll.register(exchange, select.POLLOUT if exchange.wants_write else select.POLLIN)
            if poll.poll(left * 1000):
                body = exchange.advance()
                if body is not None:
                    return body
    raise ProbeError("timeout")
