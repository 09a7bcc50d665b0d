"""One-line, greppable log records: `TIME LEVEL logger event key=value …` (logfmt), in UTF-8.

Where stderr is the journal's, a line begins with its priority, `<4>WARNING …`: the journal keeps the time itself.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from collections.abc import Mapping
from typing import Final

from servicekit.clock import Clock, SystemClock, rfc3339
from servicekit.text import one_line

LEVELS: Final = ("debug", "info", "warning", "error")
_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""Syslog's number from each level on; what is below the last is 7, debugging."""


def configure(level: str) -> None:
    """Send all records from `level` up to stderr; for a process' entry point only."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        # Whatever the locale or PYTHONIOENCODING say; and a file name that is no text must not end in a traceback.
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JournalFormatter() if is_journal() else _Formatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def is_journal(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether stderr is the stream to the journal that systemd told of, and not a file or pipe instead of it."""
    try:
        found = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):  # stderr is closed, or an object in memory
        return False
    return environment.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def for_journal(level: int, text: str) -> str:
    """Return `text` with the priority of `level` before each line: a line without one would count as information."""
    priority = next((number for least, number in _PRIORITIES if level >= least), 7)
    return "\n".join(f"<{priority}>{line}" for line in text.split("\n"))


def event(name: str, **fields: object) -> str:
    """Build the message of a record: `name` followed by `key=value` for each field, in the given order."""
    return " ".join([name, *(f"{key}={_value(field)}" for key, field in fields.items())])


class RateLimit:
    """Lets at most `burst` events per `period` seconds through, and counts what it held back."""

    def __init__(self, burst: int, period: float, clock: Clock | None = None) -> None:
        self._burst = burst
        self._period = period
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._window_start = self._clock.monotonic()
        self._passed = 0
        self._held_back = 0

    def admit(self) -> int | None:
        """Return None when the event is to be dropped, else how many were dropped since the last admitted."""
        with self._lock:
            now = self._clock.monotonic()
            if now - self._window_start >= self._period:
                self._window_start = now
                self._passed = 0
            if self._passed >= self._burst:
                self._held_back += 1
                return None
            self._passed += 1
            held_back, self._held_back = self._held_back, 0
            return held_back


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{rfc3339(record.created)} {self.without_time(record)}"

    def without_time(self, record: logging.LogRecord) -> str:
        line = f"{record.levelname} {record.name} {one_line(record.getMessage(), 2000)}"
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return line


class _JournalFormatter(_Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return for_journal(record.levelno, self.without_time(record))


def _value(field: object) -> str:
    text = one_line(str(field))
    if text and not any(character in text for character in ' "='):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
