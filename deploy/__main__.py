"""The command that deploys monitors through Ray, shows them and takes them away."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from deploy import bundle
from deploy.check import HEALTHY
from deploy.rollout import DONE, HALTED, WORKING
from deploy.settings import LISTEN_ON, Settings
from deploy.text import LANGUAGES, default_language, progress, say, table
from servicekit import cli, log
from servicekit.clock import rfc3339
from servicekit.secrets import read_token
from servicekit.version import __version__

try:
    from deploy import cluster
except ModuleNotFoundError as missing:  # Ray is no part of what a board gets
    sys.exit(f"cmzsb-deploy: {missing.name} is missing: pip install 'cmzsb-monitor[ray]'")

_Function = TypeVar("_Function", bound=Callable[..., Any])
_LOOK_EVERY: Final = 0.3


def _ray_address(value: str) -> str:
    cli.listen_address(value.removeprefix(cluster.CLIENT))
    return value


def _option(flag: str, text: str, **more: Any) -> Callable[[_Function], _Function]:
    envvar = "CMZSB_DEPLOY_" + flag.removeprefix("--").upper().replace("-", "_")
    return click.option(flag, envvar=envvar, help=text, **{"show_default": True, **more})


@click.command("cmzsb-deploy")
@_option(
    "--address", "Ray's head, HEAD:6379, from a machine of the cluster; ray://HEAD:10001 from others.", required=True
)
@_option("--status", "Show every node's monitor and change nothing.", is_flag=True)
@_option("--remove", "Take all monitors away; their journals stay.", is_flag=True)
@_option("--json", "Show the status as JSON.", is_flag=True)
@_option("--port", "Port of the monitors.", type=click.IntRange(1, 65535), default=8000)
@_option(
    "--listen-on",
    "Serve on all addresses of a node, or on the one that Ray knows.",
    type=click.Choice(LISTEN_ON),
    default="all",
)
@_option(
    "--state-dir",
    "Directory of the journal on each node; {node} stands for its name.",
    default="~/.local/state/cm-zsb-monitor",
)
@_option(
    "--report-ttl",
    "Seconds without a report after which a node counts as idle.",
    type=click.FloatRange(1, 86400),
    default=60.0,
)
@_option("--token-file", "File, here, with the token that lets other machines write.", type=click.Path(path_type=Path))
@_option(
    "--patience",
    "Seconds that a monitor may take to become healthy.",
    type=click.FloatRange(1, 3600),
    default=60.0,
)
@_option("--log-level", "Least severity that the monitors log.", type=click.Choice(log.LEVELS), default="info")
@_option(
    "--lang",
    "Language of what is shown.",
    type=click.Choice(LANGUAGES),
    default=default_language,
    show_default="the locale's",
)
@click.version_option(__version__)
def command(
    address: str,
    status: bool,
    remove: bool,
    json: bool,
    port: int,
    listen_on: str,
    state_dir: str,
    report_ttl: float,
    token_file: Path | None,
    patience: float,
    log_level: str,
    lang: str,
) -> None:
    """Run the node monitor on every node of a Ray cluster, show the monitors, or take them away."""
    if status and remove:
        raise click.UsageError("give either --status or --remove")
    if json and not status:
        raise click.UsageError("--json goes with --status")
    if status:
        with cluster.connected(address):
            _status(lang, json)
    elif remove:
        with cluster.connected(address):
            _remove(lang)
    else:
        token = read_token(token_file) if token_file else None
        with tempfile.TemporaryDirectory(prefix="cmzsb-deploy-") as directory:
            digest = bundle.build(Path(directory))
            settings = Settings(port, listen_on, state_dir, report_ttl, log_level, __version__, digest, token)
            with cluster.connected(address, Path(directory)):
                cluster.order(settings, patience)
                _follow(lang, settings, patience)


def _status(language: str, as_json: bool) -> None:
    report = cluster.report()
    if report is None:
        raise cli.StartError(say(language, "not_deployed"))
    if as_json:
        rows = [{**row, "since": rfc3339(row["since"])} for row in report["nodes"]]
        click.echo(json.dumps({**report, "nodes": rows}, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(table(language, report["nodes"])))
    _complain(language, report)


def _remove(language: str) -> None:
    count, silent = cluster.remove()
    if silent:
        raise cli.StartError(say(language, "silent", all=count, which=", ".join(silent)))
    click.echo(say(language, "removed", all=count))


def _follow(language: str, settings: Settings, patience: float) -> None:
    """Show what the keeper does until it is through with all nodes. Raises `StartError` when it does not go well."""
    shown: dict[str, tuple[str, str, str]] = {}
    progressed = time.monotonic()
    while (report := cluster.report()) is None or report["phase"] == WORKING:
        if _show_changes(language, report, shown):
            progressed = time.monotonic()
        if time.monotonic() - progressed > 2 * patience + 30:
            raise cli.StartError(say(language, "slow", seconds=round(2 * patience + 30)))
        time.sleep(_LOOK_EVERY)
    _show_changes(language, report, shown)
    _complain(language, report)
    click.echo(say(language, "deployed", version=settings.version, all=len(report["nodes"])))


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


def _complain(language: str, report: dict[str, Any]) -> None:
    """Raise `StartError` when the rollout stopped or a node has no healthy monitor."""
    if report["phase"] == HALTED:
        raise cli.StartError(say(language, "halted", reason=report["reason"]))
    rows = report["nodes"]
    bad = [row for row in rows if row["health"] != HEALTHY or (report["phase"] == DONE and not row["current"])]
    if bad:
        which = ", ".join(f"{row['node']} ({row['detail'] or say(language, row['health'])})" for row in bad)
        raise cli.StartError(say(language, "unhealthy", bad=len(bad), all=len(rows), which=which))


def main() -> None:
    """Run the `cmzsb-deploy` command."""
    sys.exit(cli.run(command))


if __name__ == "__main__":
    main()
