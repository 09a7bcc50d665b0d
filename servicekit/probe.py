"""HTTP requests to a node's monitor over a non-blocking socket, each against one deadline.

The deadline covers connect, headers and body together: the caller of a `Connection` calls `advance` when the socket is
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
_REST: Final = (
    "HTTP/{}\r\nHost: {}\r\nAccept: application/json\r\nUser-Agent: castray-bridge/{}\r\nConnection: {}\r\n\r\n"
)
"""A request from its version on."""
_CONNECT_REASONS: Final = {errno.ECONNREFUSED: "refused", errno.ETIMEDOUT: "timeout"}


def failure_reason(error: OSError, connected: bool) -> str:
    """Return the reason of failure for a socket error before or after the connection was established."""
    if connected:
        return "bad_reply"
    return _CONNECT_REASONS.get(error.errno or 0, "unreachable")


class Connection:
    """A connection that carries one request at a time: `send`, then `advance` until it returns the body.

    With `keep_open` the requests are of HTTP/1.1, and more of them may follow while `is_reusable()`. Otherwise they
    are of HTTP/1.0, because its replies are never chunked, compressed or kept alive. Not thread-safe.

    `connected` tells whether the peer accepted the connection.
    """

    def __init__(self, address: Address, body_limit: int = BODY_LIMIT, *, keep_open: bool = False) -> None:
        """Start to connect. Raises `ProbeError` when that fails at once."""
        version, persistence = ("1.1", "keep-alive") if keep_open else ("1.0", "close")
        self._rest = _REST.format(version, address, __version__, persistence).encode("ascii")
        self._body_limit = body_limit
        self._reader = ReplyReader(body_limit)
        self._to_send = b""
        self._replies = 0
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

    @property
    def is_stale(self) -> bool:
        """Whether it carried a reply before and none of the request in progress: the peer may have closed it since."""
        return self._replies > 0 and self._reader.is_empty

    @property
    def leaves_open(self) -> bool:
        """Whether the last reply is complete, and its peer waits for another request."""
        return self._replies > 0 and self._reader.leaves_open

    def is_reusable(self) -> bool:
        """Return whether another request may follow: the peer leaves it open and has sent nothing since its reply.

        What came unasked would be taken for the next reply otherwise.
        """
        if not self.leaves_open:
            return False
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def send(self, path: str) -> None:
        """Begin a request; it goes out at once where the connection stands. Errors are those of `advance`."""
        self._to_send = b"GET %s %s" % (path.encode("ascii"), self._rest)
        if self._replies:
            self._reader = ReplyReader(self._body_limit)
            try:
                self._send()
            except OSError:
                return  # the socket stays ready to write, and `advance` fails in the same way

    def advance(self) -> bytes | None:
        """Do what the socket is ready for; return the reply's body once complete. Raises `ProbeError`."""
        try:
            if self._to_send:
                self._send()
                return None
            body = self._reader.feed(self._socket.recv(_RECEIVE_BYTES))
        except BlockingIOError:
            return None
        except OSError as error:
            raise ProbeError(failure_reason(error, self.connected)) from error
        self._replies += body is not None
        return body

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
    with closing(Connection(address, body_limit)) as connection:
        connection.send(path)
        poll = select.poll()
        while (left := deadline - time.monotonic()) > 0:
            poll.register(connection, select.POLLOUT if connection.wants_write else select.POLLIN)
            if poll.poll(left * 1000):
                body = connection.advance()
                if body is not None:
                    return body
    raise ProbeError("timeout")
