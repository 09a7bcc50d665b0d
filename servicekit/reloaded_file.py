"""The parsed content of a file that is read again when the file changes."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from servicekit.errors import StartError
from servicekit.log import event

_Content = TypeVar("_Content")
_log = logging.getLogger(__name__)


class ReloadedFile(Generic[_Content]):
    """Calls `load` for `path` at once and after each change; the first error is raised as `StartError`.

    A later error is logged once per change of the file, and the last good content stays. Thread-safe; a call costs
    one `stat`.
    """

    def __init__(self, path: Path, load: Callable[[Path], _Content]) -> None:
        self._path = path
        self._load = load
        self._lock = threading.Lock()
        self._signature = self._stat()
        self._content = load(path)

    def __call__(self) -> _Content:
        """Return the content as of now."""
        with self._lock:
            signature = self._stat()
            if signature != self._signature:
                self._signature = signature
                self._reload()
            return self._content

    def _reload(self) -> None:
        try:
            self._content = self._load(self._path)
        except StartError as error:
            _log.warning(event("file_rejected", reason=error))
        else:
            _log.info(event("file_reloaded", path=self._path))

    def _stat(self) -> tuple[int, int, int] | None:
        """Return what differs after each change, also after a replacement by `mv`; None for a missing file."""
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns
