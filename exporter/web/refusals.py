"""Rejected reports: each is counted and, a few a minute, logged, whichever layer of the service rejects it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from servicekit.log import RateLimit, event

REPORT_PATH: Final = "/api/update_status"
_READ_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_log = logging.getLogger(__name__)


class RejectedReports:
    """Counts and logs rejected reports. Thread-safe."""

    def __init__(self, count: Callable[[], None], limit: RateLimit | None = None) -> None:
        """`count` is called for each; log lines are limited to ten a minute unless `limit` says otherwise."""
        self._count = count
        self._limit = limit or RateLimit(burst=10, period=60.0)

    def reject(self, method: str, path: str, code: int, reason: str, peer: str | None) -> None:
        """Record a request that was answered with HTTP status `code` ≥ 400; ignored unless it was a report."""
        if path != REPORT_PATH or method in _READ_METHODS:
            return
        self._count()
        held_back = self._limit.admit()
        if held_back is not None:
            _log.warning(event("report_rejected", code=code, reason=reason, peer=peer, held_back=held_back))
