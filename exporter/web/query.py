"""Query parameters of the monitor's API: checked; the error names the wrong one."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, overload

from werkzeug.exceptions import BadRequest

from servicekit.shares import LONGEST_STEP, SHORTEST_STEP

LARGEST: Final = 2**53
_RFC3339: Final = re.compile(
    r"(?P<minute>\d{4}-\d\d-\d\dT\d\d:\d\d):(?P<second>\d\d)(?P<fraction>\.\d+)?(?P<offset>Z|[+-]\d\d:\d\d)",
    re.ASCII,
)


@overload
def integer(arguments: Mapping[str, str], name: str) -> int | None: ...
@overload
def integer(arguments: Mapping[str, str], name: str, least: int, most: int, *, otherwise: int) -> int: ...
def integer(
    arguments: Mapping[str, str], name: str, least: int = 0, most: int = LARGEST, *, otherwise: int | None = None
) -> int | None:
    """Return the integer parameter `name`, at most `most`; `otherwise` when it is missing. Raises `BadRequest`."""
    text = arguments.get(name)
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and least <= int(text) <= LARGEST):
        raise BadRequest(f"{name}: must be an integer from {least} to {LARGEST}")
    return min(int(text), most)


def seconds(arguments: Mapping[str, str], name: str, most: float) -> float | None:
    """Return the duration `name` in seconds, at most `most`; None when it is missing. Raises `BadRequest`."""
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
        return _rfc3339(text)
    except (ValueError, OverflowError):
        raise BadRequest(f"{name}: must be Unix seconds or an RFC 3339 time with offset") from None


def step(arguments: Mapping[str, str]) -> int | None:
    """Return the length of a step in seconds; None when it is missing. Raises `BadRequest`."""
    found = integer(arguments, "step")
    if found is None:
        return None
    if not SHORTEST_STEP <= found <= LONGEST_STEP:
        raise BadRequest(f"step: must be an integer from {SHORTEST_STEP} to {LONGEST_STEP}, in seconds")
    return found


def _rfc3339(text: str) -> float:
    # A "+" of the offset arrives as a space unless the client percent-encodes it.
    found = _RFC3339.fullmatch(text.upper().replace(" ", "+"))
    if found is None:
        raise ValueError("no time with offset")
    # Python before 3.11 parses neither "Z" nor fractions of any length, and no version parses leap seconds.
    leap = found["second"] == "60"
    second, offset = "59" if leap else found["second"], found["offset"].replace("Z", "+00:00")
    parsed = datetime.fromisoformat(f"{found['minute']}:{second}{offset}")
    return parsed.timestamp() + leap + float(found["fraction"] or 0)


def _finite(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
