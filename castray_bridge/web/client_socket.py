"""The socket of one WebSocket client, which two threads write to: a frame goes out whole, or the client is given up."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import Final

SEND_SECONDS: Final = 5.0
"""A client that does not take a frame within so long is given up."""
_SEND_BUFFER: Final = 64 * 1024
"""Bytes that the kernel keeps for a client: more would hide that it no longer reads."""


class ClientSocket:
    """Stands in for the socket that simple-websocket gets from the WSGI server.

    The conversation sends news while the reading thread answers pings and closes: without the lock, what one of them
    sends would end up in the middle of a frame that the other could only send in part so far.
    """

    def __init__(self, sock: socket.socket, send_seconds: float = SEND_SECONDS) -> None:
        self._sock = sock
        self._send_seconds = send_seconds
        self._lock = threading.Lock()
        self.stalled = False
        """Whether the client did not take a frame in time; nothing can be sent after half a frame."""
        # The socket's own timeout would also end waiting for what the client says.
        timeval = struct.pack("ll", int(send_seconds), int(send_seconds % 1 * 1e6))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def send(self, data: bytes) -> int:
        """Send all of `data`, a frame or several. Raises `OSError`; hangs up first when it took too long."""
        with self._lock:
            deadline = time.monotonic() + self._send_seconds
            left = memoryview(data)
            try:
                while left:
                    left = left[self._sock.send(left) :]
                    if left and time.monotonic() >= deadline:
                        raise BlockingIOError
            except BlockingIOError:
                self.stalled = True
                self.shutdown()
                raise
        return len(data)

    def recv(self, size: int) -> bytes:
        return self._sock.recv(size)

    def fileno(self) -> int:
        return self._sock.fileno()

    def shutdown(self) -> None:
        """Hang up; whoever waits for the client is woken."""
        with contextlib.suppress(OSError):  # the client was faster
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()
