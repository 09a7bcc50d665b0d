"""A service of this project, or one it is tested with, as a child process of the test."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class Process:
    """A child process with its output in a file; a context manager that leaves nothing behind.

    Its environment has no variables of the developer's own that set options of ours or of Grafana, and no proxies.
    """

    def __init__(self, command: Sequence[str | Path], log: Path, environment: dict[str, str] | None = None):
        self._log = log
        own = {key: value for key, value in os.environ.items() if not _leaks_in(key)}
        with log.open("wb") as output:
            self._child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=own | (environment or {}),
                start_new_session=True,
            )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def output(self) -> str:
        """Return everything the process wrote so far to stdout and stderr."""
        return self._log.read_text("utf-8", "replace")

    def terminate(self, within: float = 10.0) -> int:
        """Send SIGTERM and return the exit status; raises `subprocess.TimeoutExpired` when it stays."""
        self._child.terminate()
        return self._child.wait(within)

    def kill(self) -> None:
        """End the process and everything it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        self._child.wait()


def module(name: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs one of this project's services: `python -m name arguments…`."""
    return [sys.executable, "-m", name, *arguments]


def _leaks_in(variable: str) -> bool:
    return variable.startswith(("CMZSB_", "CASTRAY_BRIDGE_", "GF_")) or variable.lower().endswith("_proxy")
