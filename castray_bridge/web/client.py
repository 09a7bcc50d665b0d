"""One WebSocket client (wsproto): no call waits for it."""

from __future__ import annotations

import contextlib
import socket
import time
from collections import deque
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import AcceptConnection, CloseConnection, Message, Ping, Pong, Request
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError

from castray_bridge.web.access import BEARER_PROTOCOL, DELTA_PROTOCOL
from servicekit.sockets import discard_unsent

MAX_BYTES_PER_SECOND: Final = 16 * 1024
"""Of a client's own messages, which are only `ping` and `resync`; one that sends more is dropped."""
_MAX_MESSAGE: Final = 4096
_SEND_BUFFER: Final = 64 * 1024
"""Bytes that the kernel buffers per client; a larger buffer hides that the client no longer reads."""
_RECEIVE_BYTES: Final = 4096
_BUFFERS_AT_ONCE: Final = 16
_TOO_BIG: Final = 1009


class ClientGoneError(Exception):
    """The client has left, or was sent away."""


class DropError(Exception):
    """The client does not keep up or does not behave; the message tells how."""


class Client:
    """The server's side of a connection. Not thread-safe; for a thread that serves many clients by a selector."""

    def __init__(self, sock: socket.socket, environ: Mapping[str, Any]) -> None:
        """Complete the handshake of the WSGI request. Raises `RemoteProtocolError`, `ClientGoneError`."""
        self._sock = sock
        self._ws = WSConnection(ConnectionType.SERVER)
        self._outgoing: deque[memoryview] = deque()
        self._message: list[str | bytes] = []
        self._received = 0
        self._received_since = time.monotonic()
        self.blocked_since: float | None = None
        """When the client began not to take what it is sent, in monotonic seconds; None while it does."""
        self.pong_received = True
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        headers = [
            (key[5:].replace("_", "-").encode(), value.encode("latin-1"))
            for key, value in environ.items()
            if key.startswith("HTTP_")
        ]
        self._ws.initiate_upgrade_connection(headers, environ["PATH_INFO"])
        (request,) = self._ws.events()
        assert isinstance(request, Request)  # noqa: S101 (wsproto's first event, for its types)
        chosen = (name for name in (DELTA_PROTOCOL, BEARER_PROTOCOL) if name in request.subprotocols)
        self.subprotocol = next(chosen, None)
        deflate = PerMessageDeflate()
        self.send(self._ws.send(AcceptConnection(subprotocol=self.subprotocol, extensions=[deflate])))
        self.takes_deflate = deflate.enabled() and deflate.server_max_window_bits == 15

    def fileno(self) -> int:
        """Return the socket's descriptor."""
        return self._sock.fileno()

    def send(self, *buffers: bytes) -> None:
        """Send what the client takes now, and keep the rest for `flush`. Raises `ClientGoneError`."""
        self._outgoing.extend(map(memoryview, buffers))
        self.flush()

    def flush(self) -> None:
        """Send of the rest what the client takes now. Raises `ClientGoneError`."""
        try:
            while self._outgoing:
                self._count_off(self._sock.sendmsg(list(islice(self._outgoing, _BUFFERS_AT_ONCE))))
            self.blocked_since = None
        except BlockingIOError:
            if self.blocked_since is None:
                self.blocked_since = time.monotonic()
        except OSError as error:
            raise ClientGoneError from error

    def ping(self) -> None:
        """Send a ping of the protocol. Raises `DropError` if the last one was not answered, `ClientGoneError`."""
        if not self.pong_received:
            raise DropError("does not answer pings")
        self.pong_received = False
        self.send(self._ws.send(Ping()))

    def receive(self) -> list[str]:
        """Return the text messages that have arrived; pings are answered. Raises `ClientGoneError`, `DropError`."""
        try:
            data = self._sock.recv(_RECEIVE_BYTES)
        except BlockingIOError:
            return []
        except OSError as error:
            raise ClientGoneError from error
        if not data:
            raise ClientGoneError
        self._check_rate(len(data))
        try:
            self._ws.receive_data(data)
            return [text for event in self._ws.events() if (text := self._handle(event)) is not None]
        except LocalProtocolError as error:  # more after the client's close frame
            raise ClientGoneError from error

    def close(self, code: int, reason: str) -> None:
        """Send a close frame; the client's reply to it ends the connection. Raises `ClientGoneError`."""
        with contextlib.suppress(LocalProtocolError):  # it is closing already
            self.send(self._ws.send(CloseConnection(code, reason)))

    def linger(self, seconds: float) -> None:
        """Wait until the client has closed its side, so that it gets what was sent, for `seconds` at most."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(OSError):
            while (left := deadline - time.monotonic()) > 0:
                self._sock.settimeout(left)
                if not self._sock.recv(_RECEIVE_BYTES):
                    break
        self.shutdown()

    def abort(self) -> None:
        """Shut the connection down without what the client has not taken."""
        discard_unsent(self._sock)
        self.shutdown()

    def shutdown(self) -> None:
        """Shut the connection down; the socket stays the WSGI server's to close."""
        with contextlib.suppress(OSError):  # the client may have closed the connection
            self._sock.shutdown(socket.SHUT_RDWR)

    def _count_off(self, sent: int) -> None:
        while sent:
            first = self._outgoing.popleft()
            if sent < len(first):
                self._outgoing.appendleft(first[sent:])
            sent -= min(sent, len(first))

    def _check_rate(self, size: int) -> None:
        now = time.monotonic()
        if now - self._received_since >= 1:
            self._received_since, self._received = now, 0
        self._received += size
        if self._received > MAX_BYTES_PER_SECOND:
            raise DropError("floods")

    def _handle(self, event: object) -> str | None:
        """Reply to an event; return the text of a message that is complete."""
        if isinstance(event, Ping):
            self.send(self._ws.send(event.response()))
        elif isinstance(event, Pong):
            self.pong_received = True
        elif isinstance(event, CloseConnection):
            with contextlib.suppress(LocalProtocolError):  # it is the reply to our own
                self.send(self._ws.send(event.response()))
            raise ClientGoneError
        elif isinstance(event, Message):
            return self._collect(event)
        return None

    def _collect(self, event: Message[Any]) -> str | None:
        self._message.append(event.data)
        if sum(map(len, self._message)) > _MAX_MESSAGE:
            self.close(_TOO_BIG, "message is too big")
            raise ClientGoneError
        if not event.message_finished:
            return None
        parts, self._message = self._message, []
        return "".join(part for part in parts if isinstance(part, str))
