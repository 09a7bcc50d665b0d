"""Parser of one HTTP reply from an untrusted peer, fed piece by piece; it has no socket."""

from __future__ import annotations

from typing import Final, NamedTuple

BODY_LIMIT: Final = 64 * 1024
"""Largest body, in bytes, that a monitor's reply may have."""
HEAD_LIMIT: Final = 16 * 1024


class ProbeError(Exception):
    """A request without a usable reply.

    `reason` is a row of the table of failures, `castray_bridge.probes.failures`; for HTTP statuses other than 200 it
    is `http_` and the status.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ReplyReader:
    """Collects the bytes of one reply; accepts at most `limit` bytes of body."""

    def __init__(self, limit: int = BODY_LIMIT) -> None:
        self._limit = limit
        self._received = bytearray()
        self._body_start = 0
        self._framing = _Framing(None, keeps_open=False)

    @property
    def is_empty(self) -> bool:
        """Whether no byte of the reply has arrived."""
        return not self._received

    @property
    def leaves_open(self) -> bool:
        """Whether the connection may carry another reply after this one, which is complete.

        The peer must speak HTTP/1.1, announce the length and not a close, and have sent not a byte more.
        """
        framing = self._framing
        return (
            framing.keeps_open
            and framing.length is not None
            and len(self._received) == self._body_start + framing.length
        )

    def feed(self, data: bytes) -> bytes | None:
        """Take the bytes received (`b""` at the end of the connection); return the complete body, else None.

        Raises `ProbeError`: `http_NNN`, `bad_reply`, `too_large`.
        """
        self._received += data
        if not self._body_start:
            self._read_head()
            if not self._body_start:
                if not data:
                    raise ProbeError("bad_reply")
                return None
        return self._body(ended=not data)

    def _read_head(self) -> None:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > HEAD_LIMIT:
                raise ProbeError("too_large")
            return
        status_line, *lines = bytes(self._received[:end]).split(b"\r\n")
        status = _status(status_line)
        if status != 200:
            raise ProbeError(f"http_{status}")
        self._framing = _framing(lines, keeps_open=status_line.startswith(b"HTTP/1.1 "))
        length = self._framing.length
        if length is not None and length > self._limit:
            raise ProbeError("too_large")
        self._body_start = end + 4

    def _body(self, ended: bool) -> bytes | None:
        received = len(self._received) - self._body_start
        length = self._framing.length
        if length is not None and received >= length:
            return bytes(self._received[self._body_start : self._body_start + length])
        if received > self._limit:
            raise ProbeError("too_large")
        if not ended:
            return None
        if length is not None:
            raise ProbeError("bad_reply")
        return bytes(self._received[self._body_start :])


class _Framing(NamedTuple):
    """Where the body ends: after `length` bytes, or with the connection (None); whether the peer keeps that open."""

    length: int | None
    keeps_open: bool


def _status(line: bytes) -> int:
    version, _, rest = line.partition(b" ")
    code = rest[:3]
    if not version.startswith(b"HTTP/1.") or len(code) != 3 or not code.isdigit():
        raise ProbeError("bad_reply")
    return int(code)


def _framing(lines: list[bytes], *, keeps_open: bool) -> _Framing:
    lengths: set[bytes] = set()
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name == b"transfer-encoding":
            raise ProbeError("bad_reply")  # a monitor announces the length of its replies
        if name == b"content-length":
            lengths.add(value.strip())
        elif name == b"connection" and b"close" in value.lower():
            keeps_open = False
    if not lengths:
        return _Framing(None, keeps_open)
    text = lengths.pop()
    if lengths or not text.isdigit():
        raise ProbeError("bad_reply")
    if len(text) > 18:
        raise ProbeError("too_large")
    return _Framing(int(text), keeps_open)
