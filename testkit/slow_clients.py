"""Many clients of one kind at a service, held open while a test or a benchmark sends ordinary requests."""

from __future__ import annotations

import contextlib
import resource
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from testkit.running import Service

Begin = Callable[[socket.socket], None]
_HEAD: Final = b"GET /api/status HTTP/1.1\r\nHost: localhost\r\n"


def _get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()


def slow_header(peer: socket.socket) -> None:
    peer.sendall(_HEAD)


def slow_body(peer: socket.socket) -> None:
    peer.sendall(
        b"POST /api/update_status HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b'Content-Length: 1000\r\n\r\n{"status"'
    )


def idle(peer: socket.socket) -> None:
    """Connect and send nothing."""


def slow_reader(path: str) -> Begin:
    """Request more than fits into the receive window, and read none of it."""

    def begin(peer: socket.socket) -> None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.sendall(_get(path) * 3)

    return begin


def gone_in_mid_reply(path: str) -> Begin:
    """Send a request, read a little and hang up."""

    def begin(peer: socket.socket) -> None:
        peer.sendall(_get(path) * 3)
        peer.recv(100)
        peer.close()

    return begin


def stay_after_the_last_reply(peer: socket.socket) -> None:
    """Request one reply and the end of the connection, and never hang up."""
    peer.sendall(_HEAD + b"Connection: close\r\n\r\n")


def keep_alive(peer: socket.socket) -> None:
    """Get one whole reply and stay connected."""
    peer.sendall(_HEAD + b"\r\n")
    reply = b""
    while not reply.endswith(b"}\n"):
        piece = peer.recv(65536)
        assert piece, reply
        reply += piece
    assert reply.startswith(b"HTTP/1.1 200")


def slow_kinds(path: str) -> dict[str, Begin]:
    """Return every kind of slow client, by name; those that get replies request `path`."""
    return {
        "header": slow_header,
        "body": slow_body,
        "idle": idle,
        "reader": slow_reader(path),
        "gone in mid-reply": gone_in_mid_reply(path),
        "stays after the last reply": stay_after_the_last_reply,
    }


_DRIPPED: Final[dict[Begin, bytes]] = {slow_header: b"X-A: b\r\n", slow_body: b" "}


def allow_descriptors(count: int) -> None:
    """Let this process have `count` files open; the services that it starts see to that themselves."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or hard >= count, f"this test needs `ulimit -Hn` of {count}"
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


@contextmanager
def crowd(service: Service, count: int, begin: Begin) -> Iterator[list[socket.socket]]:
    """Have `count` clients connected that each did `begin`; slow ones go on, a few bytes every half second."""
    peers: list[socket.socket] = []
    ended = threading.Event()

    def drip() -> None:
        while not ended.wait(0.5):
            for peer in peers:
                with contextlib.suppress(OSError):  # the service has closed this connection
                    peer.send(_DRIPPED[begin])

    try:
        for _ in range(count):
            peer = service.connect()
            peers.append(peer)
            begin(peer)
        if begin in _DRIPPED:
            threading.Thread(target=drip, daemon=True).start()
        yield peers
    finally:
        ended.set()
        for peer in peers:
            peer.close()


def typical(call: Callable[[], object], times: int = 21) -> float:
    """Return the median of how long one `call` takes; a burst of other work on the machine does not move it."""
    durations = []
    for _ in range(times):
        begun = time.monotonic()
        call()
        durations.append(time.monotonic() - begun)
    return statistics.median(durations)


def slowest(call: Callable[[], object], seconds: float) -> float:
    """Repeat `call` for `seconds`; return the longest that one call took."""
    worst, until = 0.0, time.monotonic() + seconds
    while (begun := time.monotonic()) < until:
        call()
        worst = max(worst, time.monotonic() - begun)
    return worst
