"""Refused reports: every one is counted and, a few a minute, logged, whichever layer of the service refused it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from servicekit.log import RateLimit, event

REPORT_PATH: Final = "/api/update_status"
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_log = logging.getLogger(__name__)


class Refusals:
    """Where refused reports are noted. Thread-safe."""

    def __init__(self, count: Callable[[], None], limit: RateLimit | None = None) -> None:
        """`count` is called for each; log lines are limited to ten a minute unless `limit` says otherwise."""
        self._count = count
        self._limit = limit or RateLimit(burst=10, period=60.0)

    def note(self, method: str, path: str, code: int, reason: str, peer: str | None) -> None:
        """Take note of a refusal (HTTP status `code` ≥ 400); of what would have been no report, nothing is noted."""
        if path != REPORT_PATH or method in _READING:
            return
        self._count()
        held_back = self._limit.admit()
        if held_back is not None:
            _log.warning(event("report_refused", code=code, reason=reason, peer=peer, held_back=held_back))
