"""The file of addresses: what it says, and that its mistakes are told without its secrets."""

from __future__ import annotations

from pathlib import Path

import pytest

from notify.addresses import read
from servicekit.errors import StartError

GOOD = """
# Night shift
critical,warning  zh  https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=secret-key

all en mailto://user:secret@example.com
watchdog https://hc.example/secret
"""


def written(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "addresses"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_each_line_says_who_gets_what_in_which_language(tmp_path: Path) -> None:
    found = read(written(tmp_path, GOOD))
    assert [(str(one), one.severities, one.language) for one in found] == [
        ("line 3 (wecombot)", {"critical", "warning"}, "zh"),
        ("line 5 (mailto)", {"critical", "warning", "info"}, "en"),
        ("line 6 (watchdog)", {"watchdog"}, "en"),
    ]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("all zh", "SEVERITIES LANGUAGE ADDRESS"),
        ("all zh wecombot://secret more", "SEVERITIES LANGUAGE ADDRESS"),
        ("loud zh wecombot://secret", "severities are"),
        ("critical,, zh wecombot://secret", "severities are"),
        ("watchdog,critical zh wecombot://secret", "severities are"),
        ("all fr wecombot://secret", "zh, en"),
        ("all zh wecombot://", "does not understand"),
        ("all zh secret://secret", "does not understand"),
        ("all zh dingtalk://secret-key-with-dashes", "does not understand"),
        ("watchdog", "one http or https URL"),
        ("watchdog ftp://secret", "one http or https URL"),
        ("watchdog https://user:secret@h/", "one http or https URL"),
    ],
)
def test_mistake_is_told_by_its_line_and_not_by_its_address(
    tmp_path: Path, line: str, complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(StartError) as caught:
        read(written(tmp_path, f"# one\n{line}\n"))
    assert "line 2: " in str(caught.value)
    assert complaint in str(caught.value)
    assert "secret" not in str(caught.value)


def test_file_that_is_missing_empty_or_no_text_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="No such file"):
        read(tmp_path / "missing")
    with pytest.raises(StartError, match="has no address"):
        read(written(tmp_path, "# none yet\n\n"))
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(StartError, match="not UTF-8"):
        read(tmp_path / "binary")


def test_file_that_all_may_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    read(written(tmp_path, GOOD))
    assert caplog.text == ""
    read(written(tmp_path, GOOD, 0o644))
    assert "addresses_readable_by_all" in caplog.text
    assert "secret" not in caplog.text
