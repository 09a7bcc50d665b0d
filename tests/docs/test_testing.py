"""docs/testing.md names what there is."""

from __future__ import annotations

import re

from testkit.paths import DOCS, ROOT

PAGE = (DOCS / "testing.md").read_text("utf-8")


def test_every_folder_of_tests_is_named_and_exists() -> None:
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/__init__.py")}
    assert set(re.findall(r"`tests/(\w+)`", PAGE)) == folders


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^(\w[\w-]*):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"^    make (\S+)", PAGE, re.MULTILINE))
    assert named
    assert named <= targets
