"""The README in both languages, and the index of the documents."""

from __future__ import annotations

import re

import pytest

from testkit.paths import DOCS, ROOT
from tests.packaging.test_project import project
from tests.packaging.test_wheel import EXTRA_OF

ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")
INDEX = (DOCS / "README.md").read_text("utf-8")


def commands(text: str) -> list[str]:
    """Return the lines of the indented blocks: what is typed, and what is shown for it."""
    return re.findall(r"^    \S.*$", text, re.MULTILINE)


def code(text: str) -> list[str]:
    """Return the Python examples without their comments, which are in the language of the page."""
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return [re.sub(r"\s+#.*", "", block) for block in blocks]


def folders(text: str) -> set[str]:
    cells = re.findall(r"^\| (`\w+/`[^|]*) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)/`", cell)}


def test_both_languages_have_the_same_commands_examples_and_parts() -> None:
    assert commands(ENGLISH) == commands(CHINESE)
    assert code(ENGLISH) == code(CHINESE)
    assert len(re.findall(r"^## ", ENGLISH, re.MULTILINE)) == len(re.findall(r"^## ", CHINESE, re.MULTILINE))
    assert len(re.findall(r"^\|", ENGLISH, re.MULTILINE)) == len(re.findall(r"^\|", CHINESE, re.MULTILINE))


@pytest.mark.parametrize("page", [ENGLISH, CHINESE])
def test_every_package_has_its_row_and_every_extra_is_named(page: str) -> None:
    assert folders(page) >= {*EXTRA_OF, "prometheus", "systemd", "testkit", "demo", "tests", "bench", "docs"}
    assert all((ROOT / folder).is_dir() for folder in folders(page))
    extras = {name for name in project()["optional-dependencies"] if name not in ("bench", "dev")}
    assert set(re.findall(r"'\.\[(\w+)\]'", page)) == extras


def test_index_leads_to_every_document_in_both_languages() -> None:
    english, _, chinese = INDEX.partition("## 按读者查找文档")
    names = {path.name for path in DOCS.glob("*.md")} - {"README.md"}
    translated = {name for name in names if name.endswith(".zh-CN.md")}
    assert set(re.findall(r"\]\(([\w.-]+\.md)\)", english)) == names - translated
    in_chinese = {name.replace(".md", ".zh-CN.md") for name in names} & translated
    originals = {name.replace(".zh-CN.md", ".md") for name in in_chinese}
    assert set(re.findall(r"\]\(([\w.-]+\.md)\)", chinese)) == names - translated - originals | translated
