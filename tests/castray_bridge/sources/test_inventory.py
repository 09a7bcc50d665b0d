"""The inventory file: what it accepts, and the error for anything else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from castray_bridge.sources.inventory import Expected, load
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
        (
            {"nodes": [{"name": "M1", "ip": "10.0.0.1"}, {"name": "M1", "ip": "10.0.0.2"}]},
            "name 'M1' is that of",
        ),
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


GOOD = """{
  "nodes": [
    {"name": "M1", "ip": "10.0.0.1", "labels": {"room": "A1"}},
    {
      "name": "M2",
      "ip": "10.0.0.2"
    }
  ]
}
"""


def test_good_inventory_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "inventory.json"
    file.write_text(GOOD)
    assert load(file) == (Expected("M1", "10.0.0.1", {"room": "A1"}), Expected("M2", "10.0.0.2"))


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('"ip": "10.0.0.2"', '"adress": "10.0.0.2"', "line 6: unknown key 'adress', known are 'name', 'ip'"),
        ('"ip": "10.0.0.2"', '"ip": "10.0.0"', "line 6: ip '10.0.0' of M2 is not an IP address"),
        ('"name": "M2"', '"name": 7', "line 5: name 7 must be"),
        ('{"room": "A1"}', '{"room": 7}', "line 3: labels of M1"),
        ('{"room": "A1"}', '{"the-room": "A1"}', "line 3: label 'the-room' of M1"),
        ('"name": "M2"', '"name": "M1"', "line 4: name 'M1' is that of line 3"),
        ('"nodes"', '"knots": 1,\n  "nodes"', "line 2: unknown key 'knots'"),
    ],
)
def test_error_names_line_and_key(tmp_path: Path, old: str, new: str, error: str) -> None:
    file = tmp_path / "inventory.json"
    assert old in GOOD
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(StartError, match=error):
        load(file)
