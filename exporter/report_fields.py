"""The types that a field of a report can have: each checks a value, and describes itself for OpenAPI and the docs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from exporter.states import BY_NAME, REPORTABLE, State
from servicekit.json_types import is_integer, is_number, kind


class ReportError(ValueError):
    """The body is not an acceptable report; the message says what is wrong and where."""


class FieldType(Protocol):
    """The type of one field."""

    @property
    def words(self) -> str:
        """The JSON types that it accepts, for the docs."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return the OpenAPI schema of a value that is not null."""
        ...

    def read(self, value: Any, where: str) -> Any:
        """Return the checked value. Raises `ReportError`, which names the field by `where`."""
        ...


class StateName:
    """The name of a state that may be reported; read as the `State`."""

    words = "string"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": [state.name for state in REPORTABLE]}

    def read(self, value: Any, where: str) -> State:
        state = BY_NAME.get(value) if isinstance(value, str) else None
        if state is None or not state.reportable:
            shown = f"{value[:40]!a}" if isinstance(value, str) else kind(value)
            raise ReportError(f"{where}: {shown} is not one of {', '.join(self.schema()['enum'])}")
        return state


@dataclass(frozen=True)
class CutText:
    """Text, cut to `limit` characters: a script that posts a whole traceback must still move the light."""

    limit: int
    words = "string"

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}

    def read(self, value: Any, where: str) -> str:
        if not isinstance(value, str):
            raise ReportError(f"{where}: must be a string, not {kind(value)}")
        return value if len(value) <= self.limit else value[: self.limit - 1] + "…"


@dataclass(frozen=True)
class ShortText:
    """Text of 1 to `limit` characters."""

    limit: int
    words = "string"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1, "maxLength": self.limit}

    def read(self, value: Any, where: str) -> str:
        if not isinstance(value, str) or not 0 < len(value) <= self.limit:
            raise ReportError(f"{where}: must be a string of 1 to {self.limit} characters")
        return value


@dataclass(frozen=True)
class AnyObject:
    """A JSON object whose text has at most `limit` bytes."""

    limit: int
    words = "object"

    def schema(self) -> dict[str, Any]:
        return {"type": "object"}

    def read(self, value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ReportError(f"{where}: must be an object, not {kind(value)}")
        if len(json.dumps(value, ensure_ascii=False).encode()) > self.limit:
            raise ReportError(f"{where}: larger than {self.limit} bytes")
        return value


@dataclass(frozen=True)
class ForeignTime:
    """A time by another clock: a number, or text of at most `limit` characters; never interpreted."""

    limit: int
    words = "string, number"

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "maxLength": self.limit}, {"type": "number"}]}

    def read(self, value: Any, where: str) -> str | float:
        if (isinstance(value, str) and len(value) <= self.limit) or is_number(value):
            return value
        raise ReportError(f"{where}: must be a string of at most {self.limit} characters or a number")


@dataclass(frozen=True)
class Seconds:
    """A number of seconds within bounds."""

    least: float
    most: float
    words = "number"

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.least, "maximum": self.most}

    def read(self, value: Any, where: str) -> float:
        if not is_number(value) or not self.least <= value <= self.most:
            raise ReportError(f"{where}: must be a number of seconds from {self.least:g} to {self.most:g}")
        return float(value)


@dataclass(frozen=True)
class Durations:
    """One duration, or an array of at most `limit`; read as a tuple of seconds."""

    one: Seconds
    limit: int
    words = "number, array"

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.one.schema(), {"type": "array", "items": self.one.schema(), "maxItems": self.limit}]}

    def read(self, value: Any, where: str) -> tuple[float, ...]:
        if not isinstance(value, list):
            return (self.one.read(value, where),)
        if len(value) > self.limit:
            raise ReportError(f"{where}: more than {self.limit} values")
        return tuple(self.one.read(number, f"{where}[{position}]") for position, number in enumerate(value))


@dataclass(frozen=True)
class Count:
    """An integer from 0 to `most`."""

    most: int
    words = "integer"

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": 0, "maximum": self.most}

    def read(self, value: Any, where: str) -> int:
        if not is_integer(value) or not 0 <= value <= self.most:
            raise ReportError(f"{where}: must be an integer from 0 to {self.most}")
        return value


@dataclass(frozen=True)
class Counts:
    """An object of counts called `names`; read as a tuple in that order, 0 for those that are missing."""

    one: Count
    names: Sequence[str]
    words = "object"

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "properties": dict.fromkeys(self.names, self.one.schema())}

    def read(self, value: Any, where: str) -> tuple[int, ...]:
        if not isinstance(value, dict):
            raise ReportError(f"{where}: must be an object, not {kind(value)}")
        given = {name: value.get(name) for name in self.names}
        return tuple(0 if count is None else self.one.read(count, f"{where}.{name}") for name, count in given.items())


class Flag:
    """A boolean."""

    words = "boolean"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}

    def read(self, value: Any, where: str) -> bool:
        if not isinstance(value, bool):
            raise ReportError(f"{where}: must be true or false, not {kind(value)}")
        return value
