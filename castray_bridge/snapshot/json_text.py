"""JSON as the bridge sends it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_json(value: Any) -> bytes:
    """Serialize compactly in UTF-8, without escapes for Chinese, never NaN."""
    return _ENCODER.encode(value).encode()


def members(texts: Mapping[str, bytes]) -> bytes:
    """Return the object whose members have these JSON texts."""
    return b"{" + b",".join(to_json(key) + b":" + text for key, text in texts.items()) + b"}"


def array(texts: list[bytes]) -> bytes:
    """Return the array of elements with these JSON texts."""
    return b"[" + b",".join(texts) + b"]"
