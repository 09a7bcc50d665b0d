"""The bodies of the monitor's replies, as plain values ready for JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from exporter.board import NOTHING, Reading
from exporter.status.records import Alert, Transition
from exporter.status.view import StatusView
from servicekit.clock import rfc3339
from servicekit.shares import Shares


def status(view: StatusView, node_name: str, board: Reading = NOTHING) -> dict[str, Any]:
    """Return the body of `GET /api/status`."""
    latest = view.latest
    body = {
        "status": view.state.name,
        "timestamp": rfc3339(view.entered),
        "latest_state": {
            "status": view.state.name,
            "timestamp": rfc3339(view.entered),
            "current_task": latest.current_task,
            "message": latest.message,
            "task_info": latest.task_info,
        },
        "stats": {
            "total_processed": view.totals.processed,
            "low_confidence_count": view.totals.low_confidence,
            "sent_to_server": view.totals.sent_to_server,
        },
        "node_id": node_name,
        "stale": view.stale,
        "version": view.version,
    }
    figures = _board(board)
    return body | {"board": figures} if figures else body


def _board(reading: Reading) -> dict[str, float]:
    """Return the known figures of the board; unknown ones are left out."""
    figures = {
        "gpu": None if reading.gpu_ratio is None else round(100 * reading.gpu_ratio, 1),
        "temperature_celsius": reading.hottest,
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


class StatusBody:
    """The body of `GET /api/status` of node `node_name` as JSON text, cached until the version or the board changes."""

    def __init__(self, node_name: str, board: Callable[[], Reading] = lambda: NOTHING) -> None:
        self._node_name = node_name
        self._board = board
        self._cached = (-1, NOTHING, b"")

    def of(self, view: StatusView) -> bytes:
        """Return the body for `view`; every field but `board` changes with the version."""
        board = self._board()
        version, shown, body = self._cached
        if version != view.version or shown is not board:
            text = json.dumps(status(view, self._node_name, board), ensure_ascii=False, separators=(",", ":"))
            body = text.encode() + b"\n"
            self._cached = (view.version, board, body)
        return body


def node_status(view: StatusView, node_name: str, board: Reading = NOTHING) -> dict[str, Any]:
    """Return the body of `GET /api/nodes/<id>/status`; the details are those of `GET /api/status` and more."""
    details = status(view, node_name, board) | {
        "seconds_in_state": round(view.in_state, 3),
        "reporter_timestamp": view.latest.reporter_timestamp,
        "last_report": None if view.last_report is None else rfc3339(view.last_report),
    }
    return {
        "node_id": node_name,
        "status": view.state.name,
        "timestamp": rfc3339(view.entered),
        "details": details,
    }


def alerts(rows: Iterable[Alert], node_name: str) -> dict[str, Any]:
    """Return the body of `GET /api/alerts`."""
    return {
        "alerts": [
            {
                "id": row.id,
                "timestamp": rfc3339(row.timestamp),
                "node_id": node_name,
                "level": row.level,
                "message": row.message,
                "task_info": json.loads(row.task_info) if row.task_info else None,
            }
            for row in rows
        ]
    }


def history(finished: Iterable[Transition], view: StatusView | None) -> list[dict[str, Any]]:
    """Return the body of `GET /api/history`, oldest first, from `finished` transitions, newest first.

    The last entry is the current state of `view`; a page of older transitions has none.
    """
    rows = [] if view is None else [(view.entered, view.state.name, view.in_state)]
    rows.extend((row.entered, row.state, row.seconds) for row in finished)
    return [
        {"timestamp": rfc3339(entered), "status": state, "duration_seconds": round(seconds, 3)}
        for entered, state, seconds in reversed(rows)
    ]


def shares(finished: Iterable[Transition], view: StatusView, step: int, since: float, now: float) -> dict[str, Any]:
    """Return the body of `GET /api/history?step=`, from `finished` transitions, newest first, and the current state.

    Where two transitions overlap, because the clock was set back, the newer one counts.
    """
    kept = Shares(step, since, now)
    covered_from = now - view.in_state
    kept.add(view.state.name, covered_from, now)
    for row in finished:
        kept.add(row.state, row.entered, min(row.entered + row.seconds, covered_from))
        covered_from = min(covered_from, row.entered)
    return {"step": step, "end": rfc3339(now)} | kept.columns(since)
