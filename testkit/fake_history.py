"""A node's last hour in the form of `GET /api/history?step=60`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any


def shares(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Return the record of a node that was so many seconds in each state, row by row a minute; the last one is now's.

    The present minute has as many seconds as have passed of it: its row is taken as shares of that.
    """
    now = datetime.now(timezone.utc)
    minute = now.replace(second=0, microsecond=0)
    states = sorted({state for row in rows for state in row})
    passed = (now - minute).total_seconds()
    last = {state: seconds * passed / max(1e-9, sum(rows[-1].values())) for state, seconds in rows[-1].items()}
    begin = minute - timedelta(minutes=len(rows) - 1)
    return {
        "begin": begin.isoformat(),
        "seconds": {state: [row.get(state, 0.0) for row in [*rows[:-1], last]] for state in states},
    }
