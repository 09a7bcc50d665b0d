"""A service manager's end of the notification socket."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Notifications:
    """The messages of a service so far, in order."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self.heard: list[str] = []

    def listen(self, seconds: float) -> None:
        """Receive for `seconds`."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._sock.settimeout(left)
            try:
                self.heard += self._sock.recv(4096).decode().splitlines()
            except socket.timeout:  # TimeoutError itself only from Python 3.10 on
                return

    def wait_for(self, message: str, seconds: float) -> None:
        """Receive until `message` has come. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while message not in self.heard:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{message} not within {seconds} s, only {self.heard}")
            self.listen(0.1)


@contextmanager
def notification_socket(directory: Path, *, abstract: bool = False) -> Iterator[tuple[str, Notifications]]:
    """Yield the value for `NOTIFY_SOCKET` and what comes in there."""
    path = str(directory / "notify")
    name = "@" + path if abstract else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + path if abstract else path)
        yield name, Notifications(sock)
