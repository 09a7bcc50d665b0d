"""The inventory: the nodes that should exist, from the operator's file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from servicekit import strict_json
from servicekit.address import is_ip_literal
from servicekit.errors import StartError
from servicekit.json_types import is_integer
from servicekit.text import safe_name

_KEYS: Final = ("name", "ip", "labels", "monitor_port")
_NODES: Final = re.compile(r'"nodes"\s*:\s*\[')
_BETWEEN: Final = re.compile(r"[\s,]*")


@dataclass(frozen=True, slots=True)
class Expected:
    """One node of the inventory; `labels` are added to its Prometheus target and shown on the wall."""

    name: str
    ip: str
    labels: Mapping[str, str] = field(default_factory=dict)
    monitor_port: int | None = None


class _EntryError(ValueError):
    """A wrong member `key` of an entry."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


class _Entry(NamedTuple):
    value: Any
    text: str
    line: int


def load(path: Path) -> tuple[Expected, ...]:
    """Read `{"nodes":[{"name","ip","labels"?,"monitor_port"?}]}`. Raises `StartError` with line and key."""
    try:
        text = path.read_text("utf-8")
        content = strict_json.loads(text.encode())
        if not isinstance(content, dict) or not isinstance(content.get("nodes"), list):
            raise ValueError('must be {"nodes": [...]}')
        unknown = sorted(content.keys() - {"nodes"})
        if unknown:
            raise ValueError(
                f"line {_line_of_key(text, unknown[0])}: unknown key {unknown[0]!r}, only 'nodes' is known"
            )
        return tuple(_nodes(text))
    except (OSError, ValueError) as error:
        raise StartError(f"the inventory {path}: {error}") from None


def _nodes(text: str) -> Iterator[Expected]:
    lines: dict[str, int] = {}
    for entry in _entries(text):
        try:
            node = _expected(entry.value)
        except _EntryError as error:
            line = entry.line + _line_of_key(entry.text, error.key) - 1
            raise ValueError(f"line {line}: {error}") from None
        if node.name in lines:
            raise ValueError(f"line {entry.line}: name {node.name!r} is that of line {lines[node.name]}, too")
        lines[node.name] = entry.line
        yield node


def _entries(text: str) -> Iterator[_Entry]:
    """Yield the elements of the array `nodes` of a valid file, with the lines on which they begin."""
    start = _NODES.search(text)
    at = start.end() if start else len(text)
    while True:
        between = _BETWEEN.match(text, at)
        at = between.end() if between else at
        if text[at : at + 1] in ("]", ""):
            return
        value, end = json.JSONDecoder().raw_decode(text, at)
        yield _Entry(value, text[at:end], text.count("\n", 0, at) + 1)
        at = end


def _line_of_key(text: str, key: str) -> int:
    found = re.search(rf"{re.escape(json.dumps(key, ensure_ascii=False))}\s*:", text)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _expected(entry: Any) -> Expected:
    if not isinstance(entry, dict):
        raise _EntryError("", f"{entry!r} is not an object")
    for key in entry:
        if key not in _KEYS:
            raise _EntryError(key, f"unknown key {key!r}, known are {', '.join(map(repr, _KEYS))}")
    name, ip, port = entry.get("name"), entry.get("ip"), entry.get("monitor_port")
    if not isinstance(name, str) or not name or safe_name(name) != name:
        raise _EntryError("name", f"name {name!r} must be letters, digits, '.', '_' and '-', at most 63")
    if not isinstance(ip, str) or not is_ip_literal(ip):
        raise _EntryError("ip", f"ip {ip!r} of {name} is not an IP address")
    if not (port is None or (is_integer(port) and 0 < port < 65536)):
        raise _EntryError("monitor_port", f"monitor_port {port!r} of {name} is not a port")
    return Expected(name, ip, _labels(name, entry.get("labels", {})), port)


def _labels(name: str, labels: Any) -> dict[str, str]:
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise _EntryError("labels", f"labels of {name} must be an object of strings")
    for label in labels:
        if not (label.isascii() and label.isidentifier()) or label.startswith("__"):
            raise _EntryError(
                label, f"label {label!r} of {name} must be letters, digits and '_', without '__' in front"
            )
    return labels
