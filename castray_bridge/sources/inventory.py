"""The inventory: the nodes that should exist, from the operator's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from servicekit import strict_json
from servicekit.address import is_ip_literal
from servicekit.errors import StartError
from servicekit.json_types import is_integer
from servicekit.text import safe_name


@dataclass(frozen=True, slots=True)
class Expected:
    """One node of the inventory; `labels` are added to its Prometheus target."""

    name: str
    ip: str
    labels: Mapping[str, str] = field(default_factory=dict)
    monitor_port: int | None = None


def load(path: Path) -> tuple[Expected, ...]:
    """Read `{"nodes":[{"name","ip","labels"?,"monitor_port"?}]}`. Raises `StartError` that names the wrong entry."""
    try:
        content = strict_json.loads(path.read_bytes())
        entries = content["nodes"] if isinstance(content, dict) else None
        if not isinstance(entries, list):
            raise ValueError('must be {"nodes": [...]}')
        nodes = tuple(_expected(entry) for entry in entries)
        if len({node.name for node in nodes}) != len(nodes):
            raise ValueError("two nodes have the same name")
    except (OSError, KeyError, ValueError) as error:
        raise StartError(f"the inventory {path}: {error}") from None
    return nodes


def _expected(entry: Any) -> Expected:
    if not isinstance(entry, dict):
        raise ValueError(f"{entry!r} is not an object")
    name, ip, port = entry.get("name"), entry.get("ip"), entry.get("monitor_port")
    labels = entry.get("labels", {})
    if not isinstance(name, str) or not name or safe_name(name) != name:
        raise ValueError(f"name {name!r}: letters, digits, '.', '_' and '-'")
    if not isinstance(ip, str) or not is_ip_literal(ip):
        raise ValueError(f"{name}: ip {ip!r} is not an IP address")
    if not (port is None or (is_integer(port) and 0 < port < 65536)):
        raise ValueError(f"{name}: monitor_port {port!r} is not a port")
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise ValueError(f"{name}: labels must be an object of strings")
    if not all(label.isascii() and label.isidentifier() and not label.startswith("__") for label in labels):
        raise ValueError(f"{name}: a label's name must be letters, digits and '_', not '__' in front")
    return Expected(name, ip, labels, port)
