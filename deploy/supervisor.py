"""The actor on each node: keeps one monitor running as its child process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from deploy.settings import LIBRARIES, Settings
from servicekit.text import one_line

_ROOT: Final = Path(__file__).parents[1]
_PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before the first, second, … restart of a monitor that ended by itself; the last one from then on."""
_STABLE: Final = 30.0
"""Seconds of running after which the pauses start from the first one again."""
_STOP_SECONDS: Final = 5.0
_REMOVED_VARIABLES: Final = ("CMZSB_", "RAY_", "NOTIFY_SOCKET", "WATCHDOG_")
"""Prefixes of Ray's own environment that would change the monitor: its options, and the systemd unit of `ray start`."""
_MEMORY_SAVING: Final = {
    "PYTHONOPTIMIZE": "2",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "PYTHONDONTWRITEBYTECODE": "1",
}
"""Environment of the monitor, as of its systemd unit; and no bytecode in Ray's copy of the bundle."""
_ERROR_LENGTH: Final = 160


class MonitorSupervisor:
    """Runs the monitor of the node `name` from construction on until `stop`, and restarts it whenever it ends.

    Methods return plain values, because a controller of another version calls them.
    """

    def __init__(self, settings: Settings, name: str, ip: str) -> None:
        self._settings = settings
        self._name = name
        self._ip = ip
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._started_at = 0.0
        self._last_line = ""
        self._error = ""
        self._stopping = threading.Event()
        # The kernel ties the child to the thread that starts it, not to the process: this thread has to live on.
        self._thread = threading.Thread(target=self._supervise, name="monitor-supervisor", daemon=True)
        self._thread.start()

    def status(self) -> dict[str, Any]:
        """Return `{"pid", "running_seconds", "error", "python"}`.

        The first two are None while no monitor runs; `error` is why the last one ended, `python` the version of the
        interpreter here.
        """
        with self._lock:
            child = self._child
            running = child is not None and child.poll() is None
            return {
                "pid": child.pid if child is not None and running else None,
                "running_seconds": time.monotonic() - self._started_at if running else None,
                "error": self._error,
                "python": platform.python_version(),
            }

    def stop(self) -> bool:
        """End the monitor, after 5 s by force; return True once its port is free, False if it did not end."""
        self._stopping.set()
        with self._lock:
            child = self._child
            if child is not None:
                child.terminate()
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive() and child is not None:
            child.kill()
            self._thread.join(_STOP_SECONDS)
        return not self._thread.is_alive()

    def _supervise(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            seconds = self._run_once()
            failures = 0 if seconds >= _STABLE else failures
            self._stopping.wait(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1

    def _run_once(self) -> float:
        """Start the monitor, wait until it ends and return how many seconds it ran."""
        try:
            with self._token_file() as (token_file, descriptors), self._lock:
                if self._stopping.is_set():
                    return 0.0
                self._child = self._start(token_file, descriptors)
                self._started_at = time.monotonic()
        except OSError as error:
            self._error = f"cannot start: {error}"
            return 0.0
        child = self._child
        # The monitor's log becomes part of this worker's log, where Ray shows it.
        for line in child.stderr or ():
            self._last_line = line.strip() or self._last_line
            print(line, end="", file=sys.stderr, flush=True)
        status = child.wait()
        seconds = time.monotonic() - self._started_at
        if not self._stopping.is_set():
            ended = f"ended by signal {-status}" if status < 0 else self._last_line.removeprefix("cmzsb-exporter: ")
            self._error = one_line(ended or f"ended with status {status}", _ERROR_LENGTH)
        return seconds

    def _start(self, token_file: str | None, descriptors: tuple[int, ...]) -> subprocess.Popen[str]:
        arguments = self._settings.arguments(self._name, self._ip, token_file)
        own = {key: value for key, value in os.environ.items() if not key.startswith(_REMOVED_VARIABLES)}
        return subprocess.Popen(  # noqa: S603 (this project's own service)
            [sys.executable, "-m", "deploy.child", str(os.getpid()), *arguments],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            pass_fds=descriptors,
            env=own | {"PYTHONPATH": f"{_ROOT}{os.pathsep}{_ROOT / LIBRARIES}"} | _MEMORY_SAVING,
        )

    @contextmanager
    def _token_file(self) -> Iterator[tuple[str | None, tuple[int, ...]]]:
        """Give the token as a file in memory, never on a disk: its path, and the descriptor that the child inherits."""
        if self._settings.token is None:
            yield None, ()
            return
        descriptor = os.memfd_create("token")
        try:
            os.write(descriptor, self._settings.token.encode())
            yield f"/proc/self/fd/{descriptor}", (descriptor,)
        finally:
            os.close(descriptor)
