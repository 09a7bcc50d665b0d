"""Reading parsed JSON whose shape nobody promises: what is not there, or is of another kind, is empty or 0."""

from __future__ import annotations

from typing import Any, Final

from servicekit import json_types

_LARGEST: Final = 1e300
"""Beyond it, percentages and sums would no longer be finite."""


def at(value: Any, *path: str) -> Any:
    """Return the member at `path` of nested objects; None where there is none."""
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str:
    """Return the text at `path`, else an empty one."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def is_number(value: Any) -> bool:
    """Return whether `value` is a number that can be calculated with."""
    return json_types.is_number(value) and abs(value) <= _LARGEST


def number(value: Any) -> float:
    """Return `value` if it is a number, else 0: pages call `.toFixed` on it."""
    return value if is_number(value) else 0


def unix_seconds(milliseconds: Any) -> float:
    """Return a time that is given in milliseconds, as a number or as text; 0 for none."""
    if isinstance(milliseconds, str) and milliseconds.isascii() and milliseconds.isdigit():
        milliseconds = int(milliseconds[:20])
    return number(milliseconds) / 1000


def mapping(value: Any) -> dict[str, Any]:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """Return `value` if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def rows(value: Any) -> list[dict[str, Any]]:
    """Return the objects in the array `value`."""
    return [row for row in items(value) if isinstance(row, dict)]
