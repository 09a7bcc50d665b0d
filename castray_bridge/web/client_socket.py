"""The socket of one WebSocket client, written by two threads: a frame is sent whole, or the client is dropped."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from typing import Final

from servicekit.sockets import discard_unsent

SEND_SECONDS: Final = 5.0
"""A client that does not accept a frame within this time is dropped."""
_SEND_BUFFER: Final = 64 * 1024
"""Bytes that the kernel buffers per client; a larger buffer hides that the client no longer reads."""


class ClientSocket:
    """Replaces the socket that simple-websocket gets from the WSGI server. Thread-safe.

    The serving thread sends snapshots while the reading thread replies to pings and closes: without the lock, one of
    them could write into the middle of a frame that the other has sent in part.
    """

    def __init__(self, sock: socket.socket, send_seconds: float = SEND_SECONDS) -> None:
        self._sock = sock
        self._send_seconds = send_seconds
        self._lock = threading.Lock()
        self.stalled = False
        """Whether the client did not accept a frame in time; after a part of a frame nothing else can be sent."""
        # The socket's own timeout would also limit the wait for the client's messages.
        timeval = struct.pack("ll", int(send_seconds), int(send_seconds % 1 * 1e6))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeval)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)

    def send(self, data: bytes) -> int:
        """Send all of `data`, one or more frames. Raises `OSError`; at the time limit the connection is shut down."""
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
                discard_unsent(self._sock)
                self.shutdown()
                raise
        return len(data)

    def recv(self, size: int) -> bytes:
        return self._sock.recv(size)

    def fileno(self) -> int:
        return self._sock.fileno()

    def shutdown(self) -> None:
        """Shut the connection down; a thread that waits for the client wakes up."""
        with contextlib.suppress(OSError):  # the client may have closed the connection
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._sock.close()
