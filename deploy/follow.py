"""Shows the operator the progress of a rollout, and raises the error in which it ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import click

from deploy.check import HEALTHY
from deploy.rollout import DONE, HALTED, WORKING
from deploy.text import message, progress
from servicekit.errors import StartError

_POLL_SECONDS: Final = 0.3
Report = dict[str, Any]


def follow(
    language: str,
    version: str,
    timeout: float,
    read_report: Callable[[], Report | None],
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Print a line for each change of a node until the rollout ends. Raises `StartError` when it ends badly.

    The error comes too when nothing changes for twice the `timeout` of one monitor and 30 s.
    """
    shown: dict[str, tuple[str, str, str]] = {}
    changed_at = monotonic()
    limit = 2 * timeout + 30
    while (report := read_report()) is None or report["phase"] == WORKING:
        if _show_changes(language, report, shown):
            changed_at = monotonic()
        if monotonic() - changed_at > limit:
            raise StartError(message(language, "slow", seconds=round(limit)))
        sleep(_POLL_SECONDS)
    _show_changes(language, report, shown)
    raise_unless_healthy(language, report)
    python = ", ".join(sorted({row["python"] for row in report["nodes"]}))
    click.echo(message(language, "deployed", version=version, all=len(report["nodes"]), python=python))


def raise_unless_healthy(language: str, report: Report) -> None:
    """Raise `StartError` when the rollout stopped or a node has no healthy monitor."""
    if report["phase"] == HALTED:
        raise StartError(message(language, "halted", reason=report["reason"]))
    rows = report["nodes"]
    bad = [row for row in rows if row["health"] != HEALTHY or (report["phase"] == DONE and not row["current"])]
    if bad:
        which = ", ".join(f"{row['node']} ({row['detail'] or message(language, row['health'])})" for row in bad)
        raise StartError(message(language, "unhealthy", bad=len(bad), all=len(rows), which=which))


def _show_changes(language: str, report: Report | None, shown: dict[str, tuple[str, str, str]]) -> bool:
    """Print a line for each node that differs from `shown`; return whether there was one."""
    rows = report["nodes"] if report else []
    done = sum(row["current"] and row["health"] == HEALTHY for row in rows)
    changed = [row for row in rows if shown.get(row["node"]) != _summary(row)]
    for row in changed:
        shown[row["node"]] = _summary(row)
        click.echo(progress(language, row, done, len(rows)))
    return bool(changed)


def _summary(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["health"], row["detail"], row["version"]
