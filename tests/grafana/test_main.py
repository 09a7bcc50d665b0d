"""The command that writes the dashboards."""

from __future__ import annotations

from pathlib import Path

import pytest

from grafana.__main__ import command
from servicekit import cli


def test_writes_one_language_only(tmp_path: Path) -> None:
    assert cli.run(command, ["--out", str(tmp_path), "--lang", "zh"]) == 0
    assert sorted(path.name for path in tmp_path.rglob("*.json")) == ["fleet.json", "health.json", "node.json"]
    assert {path.parent.name for path in tmp_path.rglob("*.json")} == {"zh"}


def test_options_come_from_the_environment_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMZSB_DASHBOARDS_OUT", str(tmp_path))
    monkeypatch.setenv("CMZSB_DASHBOARDS_LANG", "en")
    assert cli.run(command, []) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["en"]


def test_a_directory_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "en").write_text("in the way")
    assert cli.run(command, ["--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
