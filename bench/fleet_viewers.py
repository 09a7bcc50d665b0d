"""`python -m bench.fleet_viewers URL COUNT PROTOCOL DEFLATE ROLE`: so many WebSocket viewers of a changing fleet.

They read everything and answer pings. PROTOCOL is the subprotocol that they offer (`-`: none), DEFLATE `deflate` or
`-`. ROLE is `count`, which looks at the frames' heads only, or `time`, which notes when each change of each node came
(see `testkit.changing_node`) and keeps what it needs to tell the nodes' states at the end. At SIGUSR1 it notes its
counts, and at SIGTERM it prints all as JSON.

One loop over epoll with raw sockets, so that the viewers take less of the machine than what they measure.
"""

from __future__ import annotations

import json
import re
import select
import signal
import socket
import struct
import sys
import time
import zlib
from typing import Any, Final
from urllib.parse import urlsplit

from testkit.deltas import apply

_CHANGE: Final = re.compile(rb'"currentTask": ?"M(\d+) change (\d+) at ')
_BUFFER: Final = memoryview(bytearray(1 << 18))
_HANDSHAKE_SECONDS: Final = 20.0
_TEXT, _CLOSE, _PING = 1, 8, 9
_DEFLATED: Final = 0x40


class Viewer:
    """One client: its frames, its counts, and, where it keeps the payload, its messages."""

    def __init__(self, peer: socket.socket, keeps_payload: bool) -> None:
        self.socket = peer
        self.bytes = self.messages = 0
        self.seen: list[tuple[int, int, float]] = []
        """Number of the node, number of the change, and when it was first seen (monotonic seconds)."""
        self.last_list: list[bytes] = []
        """The last whole list and the deltas since."""
        self._keeps_payload = keeps_payload
        self._known: dict[int, int] = {}
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._head = b""
        self._is_in_frame = False
        self._payload = bytearray()
        self._missing = 0
        self._opcode = 0

    def receive(self) -> bool:
        """Read what is there; return whether the connection still stands."""
        try:
            count = self.socket.recv_into(_BUFFER)
            self.bytes += count
            return count > 0 and self.take(_BUFFER[:count])
        except BlockingIOError:
            return True
        except OSError:
            return False

    def take(self, data: memoryview) -> bool:
        """Take over received bytes; return whether the connection still stands."""
        while data:
            if not self._is_in_frame:
                data = self._take_head(data)
                if not self._is_in_frame:
                    continue
            part = data[: self._missing]
            if self._keeps_payload or self._opcode & 0x0F >= _CLOSE:
                self._payload += part
            self._missing -= len(part)
            data = data[len(part) :]
            if not self._missing:
                self._is_in_frame = False
                if not self._finish_frame():
                    return False
        return True

    def _take_head(self, data: memoryview) -> memoryview:
        """Take the head of a frame as far as it is there."""
        needed = 2 if len(self._head) < 2 else 2 + {126: 2, 127: 8}.get(self._head[1], 0)
        part = data[: needed - len(self._head)]
        self._head += part
        if len(self._head) >= 2:
            extended = {126: ">H", 127: ">Q"}.get(self._head[1])
            if extended is None or len(self._head) == 2 + struct.calcsize(extended):
                self._opcode = self._head[0]
                self._missing = struct.unpack(extended, self._head[2:])[0] if extended else self._head[1]
                self._head, self._is_in_frame = b"", True
        return data[len(part) :]

    def _finish_frame(self) -> bool:
        now, opcode = time.monotonic(), self._opcode & 0x0F
        if opcode == _CLOSE:
            return False
        if opcode >= _CLOSE:
            payload, self._payload = bytes(self._payload), bytearray()
            if opcode == _PING:
                # A mask of zeros leaves the payload as it is.
                self.socket.send(bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
        elif self._opcode & 0x80:
            self.messages += 1
            payload, self._payload = bytes(self._payload), bytearray()
            if self._keeps_payload:
                self._note(self._inflated(payload) if self._opcode & _DEFLATED else payload, now)
        return True

    def _inflated(self, payload: bytes) -> bytes:
        return self._inflater.decompress(payload + b"\x00\x00\xff\xff")

    def _note(self, message: bytes, now: float) -> None:
        for found in _CHANGE.finditer(message):
            node, change = int(found[1]), int(found[2])
            if self._known.get(node) != change:
                self._known[node] = change
                self.seen.append((node, change, now))
        if b'"cluster_status"' in message[:64]:
            self.last_list.clear()
        self.last_list.append(message)


def connect(url: str, protocol: str, deflate: bool, keeps_payload: bool) -> Viewer:
    """Open a WebSocket at `url`. Raises `RuntimeError` when it is refused."""
    address = urlsplit(url).netloc
    name, _, port = address.partition(":")
    peer = socket.create_connection((name, int(port)), timeout=_HANDSHAKE_SECONDS)
    lines = [
        "GET /ws HTTP/1.1",
        f"Host: {address}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []),
        *(["Sec-WebSocket-Extensions: permessage-deflate"] if deflate else []),
    ]
    peer.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    received = b""
    while b"\r\n\r\n" not in received:
        piece = peer.recv(4096)
        if not piece:
            raise RuntimeError(f"no handshake: {received!r}")
        received += piece
    head, _, rest = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(f"no WebSocket: {head.decode()}")
    peer.setblocking(False)
    viewer = Viewer(peer, keeps_payload)
    viewer.take(memoryview(rest))
    return viewer


def states(messages: list[bytes]) -> dict[str, list[Any]]:
    """Return the last state and task of each reachable node by its name in that task.

    Raises `ValueError` at a gap between deltas.
    """
    if not messages:
        return {}
    first, *deltas = map(json.loads, messages)
    nodes = first["data"]["nodes"]
    for number, message in enumerate(deltas, start=first.get("seq", 0) + 1):
        if message["seq"] != number:
            raise ValueError(f"message {message['seq']} instead of {number}")
        nodes = apply(nodes, message["data"])
    tasks = [(node["workStatus"], node["currentTask"]) for node in nodes if node["currentTask"]]
    return {task.partition(" ")[0]: [state, task] for state, task in tasks}


def _count(viewers: list[Viewer]) -> tuple[float, int, int]:
    """Return the time, and the bytes and messages of all viewers until then."""
    return time.monotonic(), sum(viewer.bytes for viewer in viewers), sum(viewer.messages for viewer in viewers)


def main(url: str, count: int, protocol: str, deflate: bool, timed: bool) -> None:
    """Watch until SIGTERM, then print what was seen."""
    ended: list[int] = []
    counts: list[tuple[float, int, int]] = []
    signal.signal(signal.SIGTERM, lambda number, _: ended.append(number))
    viewers = [connect(url, protocol, deflate, timed) for _ in range(count)]
    signal.signal(signal.SIGUSR1, lambda *_: counts.append(_count(viewers)))
    epoll = select.epoll()
    by_descriptor = {viewer.socket.fileno(): viewer for viewer in viewers}
    for descriptor in by_descriptor:
        epoll.register(descriptor, select.EPOLLIN)
    print("connected", flush=True)
    lost = 0
    while not ended:
        for descriptor, _ in epoll.poll(0.5):
            if not by_descriptor[descriptor].receive():
                lost += 1
                epoll.unregister(descriptor)
    watched = {
        "counts": counts,
        "lost": lost,
        "seen": [viewer.seen for viewer in viewers] if timed else [],
        "states": states(viewers[0].last_list),
    }
    print(json.dumps(watched), flush=True)


if __name__ == "__main__":
    main(
        sys.argv[1],
        int(sys.argv[2]),
        sys.argv[3].removeprefix("-"),
        deflate=sys.argv[4] == "deflate",
        timed=sys.argv[5] == "time",
    )
