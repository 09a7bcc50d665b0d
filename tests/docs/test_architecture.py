"""docs/architecture.md leads to files that exist, and leaves no package out."""

from __future__ import annotations

import re

import pytest

from testkit.paths import DOCS, ROOT
from tests.packaging.test_imports import ALLOWED

PAGE = (DOCS / "architecture.md").read_text("utf-8")
PICTURE = PAGE.partition("```\n")[2].partition("\n```")[0]
PARTS = [path.parent for package in ("exporter", "castray_bridge") for path in (ROOT / package).glob("*/__init__.py")]


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([\w/.-]+/[\w.-]+\.\w+)`", PAGE))))
def test_every_path_is_there(name: str) -> None:
    assert (ROOT / name).is_file()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+/(?:\w+/)*)`", PAGE))))
def test_every_folder_is_there(name: str) -> None:
    assert (ROOT / name).is_dir()


def test_every_package_has_its_row() -> None:
    rows = PAGE.partition("## Packages")[2].partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)/`", rows))
    assert {*ALLOWED, "containers", "testkit", "demo", "bench", "tests", "prometheus", "systemd"} <= named


def test_picture_shows_the_folders_of_both_services_in_the_order_of_their_imports() -> None:
    assert PARTS
    for part in PARTS:
        block = PICTURE.partition(f"{part.parent.name}/ ")[2].partition("\n\n")[0]
        assert f"{part.name}/" in block, part


@pytest.mark.parametrize("name", sorted(set(re.findall(r"[\w/]*\w+\.py\b", PICTURE))))
def test_every_module_of_the_picture_is_there(name: str) -> None:
    packages = ("exporter", "castray_bridge", "servicekit", "notify", "deploy")
    assert any(list((ROOT / package).rglob(name)) for package in packages)


def test_rules_of_imports_are_those_that_are_tested() -> None:
    rows = re.findall(r"^\| `(\w+)/` \|.*\| ([^|]+) \|$", PAGE.partition("## Packages")[2], re.MULTILINE)
    said = {name: set(re.findall(r"`([\w.]+)`", may)) for name, may in rows if name in ALLOWED}
    assert said == {name: set(may) for name, may in ALLOWED.items()}
