"""Strict JSON (RFC 8259), for bodies from untrusted peers.

Python's `json` accepts NaN, infinities, duplicate keys and lone surrogates; each of them would come out again
as something that another parser refuses, and a key `__proto__` as something that JavaScript may take for more.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final, NoReturn

MAX_DEPTH: Final = 32
MAX_INTEGER: Final = 2**53
"""Largest integer that every JSON reader keeps exactly (RFC 8259, section 6)."""
ANY_INTEGER: Final = 10**300
"""For what is passed on as it is: all that a double can hold, if not exactly."""


class StrictJSONError(ValueError):
    """The text is not acceptable JSON; the message says what is wrong and, where known, where."""


def loads(raw: bytes | bytearray, max_integer: int = MAX_INTEGER) -> Any:
    """Parse one JSON text.

    Raises `StrictJSONError` for anything that is not UTF-8 JSON, and for NaN, infinities, integers beyond
    `max_integer`, numbers beyond a double, duplicate keys, a key `__proto__`, lone surrogates and nesting past
    `MAX_DEPTH`.
    """
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise StrictJSONError(f"invalid UTF-8 at byte {error.start}") from None
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=lambda digits: _integer(digits, max_integer),
        )
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise StrictJSONError(f"invalid JSON at {where}: {error.msg}") from None
    except RecursionError:
        raise StrictJSONError(f"nested deeper than {MAX_DEPTH} levels") from None
    _check_tree(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if "__proto__" in result:
        raise StrictJSONError("key '__proto__' is not accepted")
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise StrictJSONError(f"duplicate key {key[:80]!a}")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> NoReturn:
    raise StrictJSONError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise StrictJSONError(f"number out of range: {digits[:40]}")
    return number


def _integer(digits: str, largest: int) -> int:
    if len(digits) > len(str(largest)) + 1 or abs(int(digits)) > largest:
        raise StrictJSONError(f"number out of range: {digits[:40]}")
    return int(digits)


def _check_tree(root: Any) -> None:
    level = [root]
    depth = 0
    while level:
        if depth > MAX_DEPTH:
            raise StrictJSONError(f"nested deeper than {MAX_DEPTH} levels")
        children: list[Any] = []
        for value in level:
            if isinstance(value, str):
                _check_text(value)
            elif isinstance(value, list):
                children.extend(value)
            elif isinstance(value, dict):
                children.extend(value.keys())
                children.extend(value.values())
        level = children
        depth += 1


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise StrictJSONError(f"lone surrogate \\u{ord(text[error.start]):04x} in a string") from None
