"""Exclusive use of a directory by one process."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from servicekit.errors import StartError


class DirectoryLock:
    """Locks a directory, because two monitors would overwrite each other's counts. Ends with `close`."""

    def __init__(self, directory: Path) -> None:
        """Create `directory` if need be and lock it. Raises `StartError` when that is not possible."""
        self._directory = directory
        self._file = _lock(directory)

    def renew(self) -> None:
        """Lock the directory again if it or the lock file was removed since. Raises `StartError`."""
        try:
            in_place = os.path.samestat(os.fstat(self._file.fileno()), os.stat(self._file.name))
        except OSError:
            in_place = False
        if not in_place:
            former, self._file = self._file, _lock(self._directory)
            former.close()

    def close(self) -> None:
        """Release the directory."""
        self._file.close()


def _lock(directory: Path) -> IO[str]:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        file = (directory / "journal.lock").open("w")
    except OSError as error:
        raise StartError(f"the state directory {directory} cannot be written: {error.strerror}") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise StartError(f"the state directory {directory} is in use by another monitor") from None
    return file
