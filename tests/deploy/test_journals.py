"""Removal of journals."""

from __future__ import annotations

from pathlib import Path

from deploy.journals import remove_journal
from exporter.storage.journal import Journal


def test_journal_is_removed_with_its_directory_but_not_what_others_put_there(tmp_path: Path) -> None:
    for name in ("journal.sqlite3", "journal.sqlite3-wal", "journal.sqlite3.damaged-1", "journal.lock"):
        for node in ("M1", "M2"):
            (tmp_path / node).mkdir(exist_ok=True)
            (tmp_path / node / name).touch()
    (tmp_path / "M2" / "notes").touch()
    template = f"{tmp_path}/{{node}}"
    assert all(remove_journal(template, node) for node in ("M1", "M2", "M3"))
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["M2", "M2/notes"]


def test_journal_that_a_monitor_uses_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    try:
        assert not remove_journal(str(tmp_path), "M1")
        assert (tmp_path / "journal.sqlite3").exists()
    finally:
        journal.close()
    assert remove_journal(str(tmp_path), "M1")
    assert not tmp_path.exists()
