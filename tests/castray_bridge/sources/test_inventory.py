"""The inventory file: what it accepts, and the error for anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from castray_bridge.sources.inventory import load
from servicekit.errors import StartError


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([], "must be"),
        ({"nodes": {}}, "must be"),
        ({"nodes": [{"name": "M1"}]}, "is not an IP address"),
        ({"nodes": [{"name": "M1", "ip": "head.local"}]}, "is not an IP address"),
        ({"nodes": [{"name": "<M1>", "ip": "10.0.0.1"}]}, "name"),
        ({"nodes": [{"name": "M1", "ip": "10.0.0.1", "monitor_port": 0}]}, "monitor_port"),
        ({"nodes": [{"name": "M1", "ip": "10.0.0.1", "monitor_port": True}]}, "monitor_port"),
        ({"nodes": [{"name": "M1", "ip": "10.0.0.1", "labels": {"a-b": "c"}}]}, "label"),
        ({"nodes": [{"name": "M1", "ip": "10.0.0.1", "labels": {"__address__": "evil:80"}}]}, "label"),
        ({"nodes": [{"name": "M1", "ip": "10.0.0.1"}, {"name": "M1", "ip": "10.0.0.2"}]}, "same name"),
    ],
)
def test_wrong_inventory_is_refused_with_the_reason(tmp_path: Path, content: Any, said: str) -> None:
    file = tmp_path / "inventory.json"
    file.write_text(json.dumps(content))
    with pytest.raises(StartError, match=said):
        load(file)


def test_inventory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"none\.json"):
        load(tmp_path / "none.json")
