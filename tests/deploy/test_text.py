"""Messages and the status table."""

from __future__ import annotations

import re

import pytest

from deploy.check import HEALTHY
from deploy.text import _TEXTS, default_language, message, table


def test_table_is_aligned_with_chinese_too() -> None:
    row = {"node": "M1", "ip": "10.0.0.1", "version": "", "health": HEALTHY, "detail": "", "since": 0.0}
    lines = table("zh", [row, {**row, "node": "东门", "health": "lost", "python": "3.9.18"}])
    assert [line.split()[:5] for line in lines[1:]] == [
        ["M1", "10.0.0.1", "-", "-", "正常"],
        ["东门", "10.0.0.1", "-", "3.9.18", "节点离线"],
    ]
    assert len({len(line.encode("gbk")) for line in lines[1:]}) == 1


def test_both_languages_fill_in_the_same_values() -> None:
    for english, chinese in _TEXTS.values():
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese))
    assert message("zh", "removed", all=3).startswith("已移除 3 个监控")


@pytest.mark.parametrize(
    ("variables", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
    ],
)
def test_language_is_that_of_the_terminal(
    variables: dict[str, str], language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert default_language() == language
