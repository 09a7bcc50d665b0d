"""Several processes that are started in order and ended in reverse."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

EnsembleT = TypeVar("EnsembleT", bound="Ensemble")


class Ensemble:
    """Base of a context manager: entering calls `_start`, leaving closes `_open`, also when the start fails half-way.

    `directory` is for files and goes with it. Its path is short, because Ray puts Unix sockets below it.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="cmzsb-"))
        self._open = ExitStack()
        self._open.callback(shutil.rmtree, self.directory, ignore_errors=True)

    def __enter__(self: EnsembleT) -> EnsembleT:
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _start(self) -> None:
        """Start everything and put it on `_open`."""
        raise NotImplementedError
