"""docs/testing.md against the tests that there are."""

from __future__ import annotations

import re

from testkit.paths import ROOT

PAGE = (ROOT / "docs" / "testing.md").read_text("utf-8")
NAMED = set(re.findall(r"`(test_\w+)`", PAGE))


def defined(*folders: str) -> set[str]:
    """Return the names of the test functions below the `folders` of tests."""
    files = (path for folder in folders for path in (ROOT / "tests" / folder).rglob("test_*.py"))
    return {name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)}


def test_every_test_that_is_named_exists() -> None:
    assert defined(".") >= NAMED


def test_every_fault_and_attack_is_named() -> None:
    assert defined("faults", "attacks") <= NAMED


def test_every_folder_of_tests_is_named() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")} - {"support"}
    assert {f"`tests/{folder}`" for folder in folders} <= set(re.findall(r"`tests/\w+`", PAGE))
