"""Which JSON type a parsed value has: for Python, `True` is an integer and infinity is a number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from typing import TypeGuard  # typing has it from Python 3.10 on

_KINDS: Final = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array"}


def is_integer(value: Any) -> TypeGuard[int]:
    """Return whether `value` is an integer and no boolean."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_count(value: Any) -> TypeGuard[int]:
    """Return whether `value` is an integer of at least 0."""
    return is_integer(value) and value >= 0


def is_number(value: Any) -> TypeGuard[float]:
    """Return whether `value` is a finite number and no boolean."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < math.inf


def kind(value: Any) -> str:
    """Return the JSON type of `value` for an error message, e.g. `a string`."""
    return "null" if value is None else _KINDS.get(type(value), "an object")
