"""Samples for Prometheus' remote write receiver: with them a fresh Prometheus has the past that rules look at.

Format: https://prometheus.io/docs/concepts/remote_write_spec/ (protobuf in a snappy block, here left uncompressed).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import requests

_VARINT, _DOUBLE, _BYTES = 0, 1, 2
"""Wire types."""
_LITERAL_OF_ANY_LENGTH: Final = 0xFC
"""Snappy's tag of bytes as they are, with a length of four bytes."""
_HEADERS: Final = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}


def samples(values: Sequence[tuple[float, float]]) -> bytes:
    """Return a series' samples, of (Unix seconds, value), oldest first, for `time_series`."""
    return b"".join(
        _field(2, _key(1, _DOUBLE) + struct.pack("<d", value) + _key(2, _VARINT) + _varint(round(1000 * at)))
        for at, value in values
    )


def time_series(labels: Mapping[str, str], encoded_samples: bytes) -> bytes:
    """Return one series for `write`; `labels` contain `__name__`."""
    # The receiver takes them in this order only.
    pairs = (_label(name, labels[name]) for name in sorted(labels))
    return _field(1, b"".join(pairs) + encoded_samples)


def write(url: str, series: Sequence[bytes]) -> None:
    """Send `series` to the Prometheus at `url`. Raises `HTTPError` when it does not take them."""
    body = b"".join(series)
    tag = bytes([_LITERAL_OF_ANY_LENGTH]) + struct.pack("<I", len(body) - 1)
    requests.post(
        f"{url}/api/v1/write", data=_varint(len(body)) + tag + body, headers=_HEADERS, timeout=60
    ).raise_for_status()


@lru_cache(4096)  # series share most of their labels
def _label(name: str, value: str) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, value.encode()))


def _field(number: int, content: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(content)) + content


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
