"""Histories as a monitor's `/api/history` gives them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any


def stays(*rows: tuple[str, float], ago: float = 0.0) -> list[dict[str, Any]]:
    """Return the entries of `(status, seconds)`, oldest first, that end `ago` seconds before now."""
    start = datetime.now(timezone.utc) - timedelta(seconds=ago + sum(seconds for _, seconds in rows))
    entries = []
    for status, seconds in rows:
        entries.append({"timestamp": start.isoformat(), "status": status, "duration_seconds": seconds})
        start += timedelta(seconds=seconds)
    return entries
