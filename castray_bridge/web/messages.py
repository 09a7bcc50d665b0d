"""The WebSocket messages of a snapshot as frames (RFC 6455); what is the same for many clients is made once."""

from __future__ import annotations

import struct
import zlib
from functools import cached_property
from typing import Final

from castray_bridge.snapshot.delta import delta
from castray_bridge.snapshot.render import pushed
from castray_bridge.snapshot.store import Snapshot

_WORTH_DEFLATING: Final = 1024
"""Bytes; a smaller message fits into a packet as it is."""
_FINAL_TEXT, _DEFLATED = 0x81, 0x40
_SYNC_FLUSH: Final = b"\x00\x00\xff\xff"


class Payload:
    """The members of a message behind its head, the same for all clients; compressed once, when a client takes it."""

    def __init__(self, data: bytes) -> None:
        """`data` is the JSON text of the message's `data`."""
        self.plain = b',"data":%s}' % data

    @cached_property
    def deflated(self) -> bytes | None:
        """Return blocks of deflate that refer to nothing before them; None where that is not worth it."""
        if len(self.plain) < _WORTH_DEFLATING:
            return None
        compressor = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
        return compressor.compress(self.plain) + compressor.flush(zlib.Z_SYNC_FLUSH).removesuffix(_SYNC_FLUSH)


def whole(snapshot: Snapshot) -> Payload:
    """Return the payload of `cluster_status`."""
    found: Payload = snapshot.cache.get("payload") or snapshot.cache.setdefault("payload", Payload(pushed(snapshot)))
    return found


def changes(before: Snapshot, after: Snapshot) -> Payload | None:
    """Return the payload of `cluster_delta` for clients that were sent `before`; None where the list is needed."""
    key = f"payload since {before.version}"
    if key not in after.cache:
        data = delta(before, after)
        after.cache[key] = None if data is None else Payload(data)
    found: Payload | None = after.cache[key]
    return found


def text_frame(kind: str, seq: int | None, payload: Payload, deflate: bool) -> tuple[bytes, bytes]:
    """Return the frame of one message as two buffers, the second of which is shared."""
    head = b'{"type":"%s"' % kind.encode() + (b"" if seq is None else b',"seq":%d' % seq)
    deflated = payload.deflated if deflate else None
    if deflated is None:
        return _header(_FINAL_TEXT, len(head) + len(payload.plain)) + head, payload.plain
    # The head differs between clients: it is a stored block of its own before the blocks that all of them share.
    stored = struct.pack("<BHH", 0, len(head), len(head) ^ 0xFFFF) + head
    return _header(_FINAL_TEXT | _DEFLATED, len(stored) + len(deflated)) + stored, deflated


def _header(first: int, length: int) -> bytes:
    if length < 126:
        return struct.pack(">BB", first, length)
    return struct.pack(">BBH", first, 126, length) if length < 1 << 16 else struct.pack(">BBQ", first, 127, length)
