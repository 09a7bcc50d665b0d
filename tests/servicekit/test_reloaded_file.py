"""A file that is read again when it changes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from servicekit.errors import StartError
from servicekit.reloaded_file import ReloadedFile


def load(path: Path) -> str:
    try:
        text = path.read_text()
    except OSError as error:
        raise StartError(str(error)) from None
    if "bad" in text:
        raise StartError(f"{path.name}: bad content")
    return text


def write(path: Path, text: str) -> None:
    """Replace the file as an editor does, so that size and time alone need not differ."""
    new = path.with_suffix(".new")
    new.write_text(text)
    os.replace(new, path)


def test_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, "one")
    file = ReloadedFile(path, load)
    assert file() == "one"
    write(path, "two")
    assert file() == "two"


def test_unchanged_file_is_read_once(tmp_path: Path) -> None:
    path, reads = tmp_path / "file", []
    write(path, "one")
    file = ReloadedFile(path, lambda path: reads.append(path))
    for _ in range(5):
        file()
    assert reads == [path]


def test_bad_new_content_is_logged_once_and_the_old_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "file"
    write(path, "one")
    file = ReloadedFile(path, load)
    write(path, "bad")
    assert [file(), file()] == ["one", "one"]
    path.unlink()
    assert [file(), file()] == ["one", "one"]
    write(path, "two")
    assert file() == "two"
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 2
    assert warnings[0] == 'file_rejected reason="file: bad content"'


def test_first_error_is_raised(tmp_path: Path) -> None:
    with pytest.raises(StartError):
        ReloadedFile(tmp_path / "none", load)
