"""Access to parsed JSON of unknown shape: a member that is missing or of another type reads as empty or 0."""

from __future__ import annotations

from typing import Any, Final

from servicekit import json_types

_LARGEST: Final = 1e300
"""Beyond it, percentages and sums overflow."""


def at(value: Any, *path: str) -> Any:
    """Return the member at `path` of nested objects; None if missing."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str:
    """Return the string at `path`; empty if missing."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def is_number(value: Any) -> bool:
    """Return whether `value` is a number small enough for sums and percentages."""
    return json_types.is_number(value) and abs(value) <= _LARGEST


def number(value: Any) -> float:
    """Return `value` if it is a number, else 0, because pages call `.toFixed` on it."""
    return value if is_number(value) else 0


def unix_seconds(milliseconds: Any) -> float:
    """Return a time given in milliseconds, as a number or a string; 0 if missing."""
    if isinstance(milliseconds, str) and milliseconds.isascii() and milliseconds.isdigit():
        milliseconds = int(milliseconds[:20])
    return number(milliseconds) / 1000


def mapping(value: Any) -> dict[str, Any]:
    """Return `value` if it is an object, else an empty object."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return `value` if it is an array, else an empty array."""
    return value if isinstance(value, list) else []


def rows(value: Any) -> list[dict[str, Any]]:
    """Return the objects in the array `value`."""
    return [row for row in items(value) if isinstance(row, dict)]
