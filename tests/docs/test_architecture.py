"""docs/architecture.md leads to files that there are, and past no room."""

from __future__ import annotations

import re

import pytest

from tests.packaging.test_imports import ALLOWED
from tests.packaging.test_project import ROOT

PAGE = (ROOT / "docs/architecture.md").read_text("utf-8")
PACKAGES = ("exporter", "castray_bridge", "servicekit", "grafana", "deploy")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"[\w/]*\w+\.(?:py|yml|sh)\b", PAGE))))
def test_every_file_named_is_there(name: str) -> None:
    places = [ROOT / name] if "/" in name else [ROOT / package / name for package in PACKAGES]
    assert any(place.exists() for place in places)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+/(?:\w+/)?)`", PAGE))))
def test_every_folder_named_is_there(name: str) -> None:
    assert (ROOT / name).is_dir()


def test_every_package_is_a_room() -> None:
    rooms = PAGE.partition("## The rooms")[2].partition("\n## ")[0]
    assert {*ALLOWED, "demo", "bench", "tests", "prometheus", "systemd"} == set(re.findall(r"`(\w+)/`", rooms))
