"""A WebSocket client in bytes, for what no library does: never reading, reading slowly, looking at every frame."""

from __future__ import annotations

import os
import socket
import struct
from typing import NamedTuple

TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
_FINAL, _MASKED = 0x80, 0x80


class Frame(NamedTuple):
    opcode: int
    payload: bytes


def shake_hands(address: str, receive_buffer: int | None = None) -> socket.socket:
    """Connect to `/ws` at `address` and request a WebSocket; the reply is not read."""
    peer = socket.socket()
    if receive_buffer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    host, _, port = address.partition(":")
    peer.connect((host, int(port)))
    peer.sendall(
        f"GET /ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return peer


def ping(text: bytes) -> bytes:
    """Return a ping of a client, which must mask it."""
    mask = os.urandom(4)
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(text))
    return bytes((_FINAL | PING, _MASKED | len(text))) + mask + masked


def frames(received: bytes) -> list[Frame]:
    """Return the whole frames of a server after the head of its answer; the last, unfinished one is left out.

    Fails on a frame that the bridge would not send.
    """
    rest = received.partition(b"\r\n\r\n")[2]
    found = []
    while len(rest) >= 2:
        first, length, start = rest[0], rest[1], 2
        assert first in {_FINAL | opcode for opcode in (TEXT, CLOSE, PING, PONG)}, rest[:40]
        if length == 126:
            (length,), start = struct.unpack(">H", rest[2:4].ljust(2, b"\0")), 4
        elif length == 127:
            (length,), start = struct.unpack(">Q", rest[2:10].ljust(8, b"\0")), 10
        if len(rest) < start + length:
            break
        found.append(Frame(first & 0x0F, rest[start : start + length]))
        rest = rest[start + length :]
    return found
