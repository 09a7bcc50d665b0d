"""Exclusive use of a directory."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from exporter.storage.lock import DirectoryLock
from servicekit.errors import StartError


def test_directory_is_created_and_locked_until_the_lock_is_closed(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    with closing(DirectoryLock(directory)), pytest.raises(StartError, match="in use by another monitor"):
        DirectoryLock(directory)
    DirectoryLock(directory).close()


def test_directory_that_cannot_be_created_is_one_clear_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match="cannot be written: Not a directory"):
        DirectoryLock(tmp_path / "file" / "state")


@pytest.mark.parametrize("what", ["the file", "the directory"])
def test_lock_that_was_removed_is_taken_again(tmp_path: Path, what: str) -> None:
    directory = tmp_path / "state"
    with closing(DirectoryLock(directory)) as lock:
        (directory / "journal.lock").unlink()
        if what == "the directory":
            directory.rmdir()
        lock.renew()
        with pytest.raises(StartError, match="in use"):
            DirectoryLock(directory)


def test_directory_that_another_monitor_took_meanwhile_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    with closing(DirectoryLock(directory)) as lock:
        (directory / "journal.lock").unlink()
        with closing(DirectoryLock(directory)), pytest.raises(StartError, match="in use"):
            lock.renew()
