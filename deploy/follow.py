"""Shows the operator what the keeper does, and says when it does not go well."""

from __future__ import annotations

import time
from typing import Any, Final

import click

from deploy import cluster
from deploy.check import HEALTHY
from deploy.rollout import DONE, HALTED, WORKING
from deploy.settings import Settings
from deploy.text import progress, say
from servicekit.errors import StartError

_LOOK_EVERY: Final = 0.3


def follow(language: str, settings: Settings, patience: float) -> None:
    """Show what the keeper does until it is through with all nodes. Raises `StartError` when it does not go well."""
    shown: dict[str, tuple[str, str, str]] = {}
    progressed = time.monotonic()
    while (report := cluster.report()) is None or report["phase"] == WORKING:
        if _show_changes(language, report, shown):
            progressed = time.monotonic()
        if time.monotonic() - progressed > 2 * patience + 30:
            raise StartError(say(language, "slow", seconds=round(2 * patience + 30)))
        time.sleep(_LOOK_EVERY)
    _show_changes(language, report, shown)
    complain(language, report)
    click.echo(say(language, "deployed", version=settings.version, all=len(report["nodes"])))


def complain(language: str, report: dict[str, Any]) -> None:
    """Raise `StartError` when the rollout stopped or a node has no healthy monitor."""
    if report["phase"] == HALTED:
        raise StartError(say(language, "halted", reason=report["reason"]))
    rows = report["nodes"]
    bad = [row for row in rows if row["health"] != HEALTHY or (report["phase"] == DONE and not row["current"])]
    if bad:
        which = ", ".join(f"{row['node']} ({row['detail'] or say(language, row['health'])})" for row in bad)
        raise StartError(say(language, "unhealthy", bad=len(bad), all=len(rows), which=which))


def _show_changes(language: str, report: dict[str, Any] | None, shown: dict[str, tuple[str, str, str]]) -> bool:
    """Print a line for each node that is not as `shown` says; return whether there was one."""
    rows = report["nodes"] if report else []
    done = sum(row["current"] and row["health"] == HEALTHY for row in rows)
    changed = [row for row in rows if shown.get(row["node"]) != _gist(row)]
    for row in changed:
        shown[row["node"]] = _gist(row)
        click.echo(progress(language, row, done, len(rows)))
    return bool(changed)


def _gist(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["health"], row["detail"], row["version"]
