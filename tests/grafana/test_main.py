"""The command that writes the dashboards."""

from __future__ import annotations

from pathlib import Path

import pytest

from grafana.__main__ import command
from servicekit import cli


def test_writes_one_language_only(tmp_path: Path) -> None:
    assert cli.run(command, ["--out", str(tmp_path), "--lang", "zh"]) == 0
    assert sorted(path.name for path in tmp_path.rglob("*.json")) == [
        "fleet.json",
        "health.json",
        "node.json",
        "wall.json",
    ]
    assert {path.parent.name for path in tmp_path.rglob("*.json")} == {"zh"}


def test_options_come_from_the_environment_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMZSB_DASHBOARDS_OUT", str(tmp_path))
    monkeypatch.setenv("CMZSB_DASHBOARDS_LANG", "en")
    assert cli.run(command, []) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["en"]


def test_addresses_of_links_are_written_into_the_dashboards(tmp_path: Path) -> None:
    given = ["--docs-url", "http://docs.site/", "--alertmanager-url", "http://alerts.site:9093"]
    assert cli.run(command, ["--out", str(tmp_path), "--lang", "en", *given]) == 0
    text = (tmp_path / "en" / "fleet.json").read_text("utf-8")
    assert '"query": "http://docs.site"' in text
    assert '"query": "http://alerts.site:9093"' in text


def test_a_directory_that_cannot_be_written_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "en").write_text("in the way")
    assert cli.run(command, ["--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1
