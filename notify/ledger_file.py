"""The ledger's file, so that a restart sends no message twice."""

from __future__ import annotations

import json
import logging
import os
import re
from pathlib import Path
from typing import Any, Final, TypeAlias

from servicekit.clock import Clock
from servicekit.json_types import is_number
from servicekit.log import event
from servicekit.strict_json import StrictJSONError, loads

FILE_NAME: Final = "delivered.json"
MOST: Final = 10_000
"""Entries of a ledger."""
_SIZE_LIMIT: Final = 4 * 1024 * 1024
_DIGEST: Final = re.compile(r"[0-9a-f]{32}")

Entries: TypeAlias = "dict[str, tuple[str, float]]"
"""Digest of the content by digest of the key, and until when it counts, by the monotonic clock."""

_log = logging.getLogger(__name__)


class LedgerFile:
    """One JSON file in `directory`, replaced as a whole. It never raises: without it, the ledger is in memory only.

    It holds digests: neither addresses nor texts. Not thread-safe.
    """

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._path = directory / FILE_NAME
        self._clock = clock
        self._failure: str | None = None

    def load(self) -> Entries:
        """Return what was saved; a file that is damaged is logged and reads as empty."""
        try:
            with self._path.open("rb") as file:
                raw = file.read(_SIZE_LIMIT + 1)
            if len(raw) > _SIZE_LIMIT:
                raise ValueError("too large")
            return self._entries(loads(raw))
        except FileNotFoundError:
            return {}
        except (OSError, StrictJSONError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "damaged"
            _log.warning(event("ledger_unreadable", file=self._path, reason=reason, consequence="begins empty"))
            return {}

    def save(self, entries: Entries) -> None:
        """Replace the file; a failure is logged once, as is its end."""
        since = self._clock.time() - self._clock.monotonic()
        content = {"taken": {key: [content, round(until + since, 3)] for key, (content, until) in entries.items()}}
        new = self._path.with_suffix(".new")
        failure = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new.write_text(json.dumps(content), "ascii")
            new.chmod(0o600)
            os.replace(new, self._path)
        except OSError as error:
            failure = error.strerror or type(error).__name__
        if failure and failure != self._failure:
            _log.warning(event("ledger_not_saved", file=self._path, reason=failure, consequence="kept in memory"))
        elif self._failure and not failure:
            _log.info(event("ledger_saved", file=self._path))
        self._failure = failure

    def _entries(self, saved: Any) -> Entries:
        """Return the entries in the parsed file. Raises `ValueError`."""
        taken = saved.get("taken") if isinstance(saved, dict) else None
        if not isinstance(taken, dict) or len(taken) > MOST:
            raise ValueError("not a ledger")
        since = self._clock.time() - self._clock.monotonic()
        found: Entries = {}
        for key, entry in taken.items():
            content, until = entry if isinstance(entry, list) and len(entry) == 2 else ("", None)
            if not (_is_digest(key) and _is_digest(content) and is_number(until)):
                raise ValueError("not a ledger")
            found[key] = (content, until - since)
        return found


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None
