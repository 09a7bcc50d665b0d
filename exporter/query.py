"""Query parameters of the monitor's API: checked, and named in the error when they are wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import overload

from werkzeug.exceptions import BadRequest

LARGEST = 2**53


@overload
def integer(arguments: Mapping[str, str], name: str) -> int | None: ...
@overload
def integer(arguments: Mapping[str, str], name: str, least: int, most: int, *, otherwise: int) -> int: ...
def integer(
    arguments: Mapping[str, str], name: str, least: int = 0, most: int = LARGEST, *, otherwise: int | None = None
) -> int | None:
    """Return the integer parameter `name`, cut to `most`; `otherwise` without it. Raises `BadRequest`."""
    text = arguments.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and least <= int(text) <= LARGEST):
        raise BadRequest(f"{name}: must be an integer from {least} to {LARGEST}")
    return min(int(text), most)


def seconds(arguments: Mapping[str, str], name: str, most: float) -> float | None:
    """Return the duration `name` in seconds, cut to `most`; None without it. Raises `BadRequest`."""
    text = arguments.get(name)
    if text is None:
        return None
    number = _finite(text)
    if number is None or number < 0:
        raise BadRequest(f"{name}: must be a number of seconds")
    return min(number, most)


def instant(arguments: Mapping[str, str], name: str, *, otherwise: float) -> float:
    """Return the time `name` in Unix seconds, given as such or in RFC 3339. Raises `BadRequest`."""
    text = arguments.get(name)
    if text is None:
        return otherwise
    number = _finite(text)
    if number is not None:
        return number
    try:
        # A "+" of the offset that was not percent-encoded arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+").replace("Z", "+00:00"))
        if moment.tzinfo is None:
            raise ValueError("no offset")
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise BadRequest(f"{name}: must be Unix seconds or an RFC 3339 time with offset") from None


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
