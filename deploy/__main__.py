"""The command that deploys monitors through Ray, shows them and removes them."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from servicekit.extras import needed

with needed("cmzsb-deploy", "ray", python=(3, 9)):
    import click

    from deploy import bundle, cluster
    from deploy.connection import CLIENT, connected
    from deploy.follow import follow, raise_unless_healthy
    from deploy.settings import LISTEN_ON, Settings
    from deploy.text import LANGUAGES, default_language, message, table
    from servicekit import cli, log
    from servicekit.clock import rfc3339
    from servicekit.errors import StartError
    from servicekit.secrets import read_token
    from servicekit.version import __version__

_option = cli.Options("CMZSB_DEPLOY_")


def _ray_address(value: str) -> str:
    cli.listen_address(value.removeprefix(CLIENT))
    return value


@click.command("cmzsb-deploy")
@_option(
    "--address", "Ray's head, HEAD:6379, from a machine of the cluster; ray://HEAD:10001 from others.", required=True
)
@_option("--status", "Show every node's monitor and change nothing.", is_flag=True, environment=False)
@_option("--remove", "Remove all monitors; their journals stay.", is_flag=True, environment=False)
@_option("--purge", "With --remove: the journals below --state-dir too, on all nodes.", is_flag=True, environment=False)
@_option("--json", "Show the status as JSON.", is_flag=True)
@_option("--port", "Port of the monitors.", type=click.IntRange(1, 65535), default=8000)
@_option(
    "--listen-on",
    "Serve on all addresses of a node, or only on the one that Ray knows.",
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
@_option(
    "--token-file",
    "File on this machine with the token that lets other machines write.",
    type=click.Path(path_type=Path),
)
@_option(
    "--timeout",
    "Seconds that a monitor may take to become healthy.",
    former="--patience",
    type=click.FloatRange(1, 3600),
    default=60.0,
)
@_option("--log-level", "Least severity that the monitors log.", type=click.Choice(log.LEVELS), default="info")
@_option(
    "--lang",
    "Language of the output.",
    type=click.Choice(LANGUAGES),
    default=default_language,
    show_default="the locale's",
)
@click.version_option(__version__)
def command(
    address: str,
    status: bool,
    remove: bool,
    purge: bool,
    json: bool,
    port: int,
    listen_on: str,
    state_dir: str,
    report_ttl: float,
    token_file: Path | None,
    timeout: float,
    log_level: str,
    lang: str,
) -> None:
    """Run the node monitor on every node of a Ray cluster, show the monitors, or remove them."""
    if status and remove:
        raise click.UsageError("give either --status or --remove")
    if purge and not remove:
        raise click.UsageError("--purge goes with --remove")
    if json and not status:
        raise click.UsageError("--json goes with --status")
    if status:
        with connected(address, lang):
            _status(lang, json)
    elif remove:
        with _bundle() as (directory, _), connected(address, lang, directory):
            _remove(lang, state_dir if purge else None)
    else:
        token = read_token(token_file) if token_file else None
        with _bundle() as (directory, digest), connected(address, lang, directory):
            settings = Settings(port, listen_on, state_dir, report_ttl, log_level, __version__, digest, token)
            cluster.apply(settings, timeout)
            follow(lang, __version__, timeout, partial(cluster.report, lang))


@contextmanager
def _bundle() -> Iterator[tuple[Path, str]]:
    """Give the directory that Ray copies to the nodes, and its digest."""
    with tempfile.TemporaryDirectory(prefix="cmzsb-deploy-") as directory:
        yield Path(directory), bundle.build(Path(directory))


def _status(language: str, as_json: bool) -> None:
    report = cluster.report(language)
    if report is None:
        raise StartError(message(language, "not_deployed"))
    if as_json:
        rows = [{**row, "since": rfc3339(row["since"])} for row in report["nodes"]]
        click.echo(json.dumps({**report, "nodes": rows}, ensure_ascii=False, indent=2))
    else:
        click.echo("\n".join(table(language, report["nodes"])))
    raise_unless_healthy(language, report)


def _remove(language: str, journals: str | None) -> None:
    removal = cluster.remove(journals)
    if removal.silent:
        raise StartError(message(language, "silent", all=removal.monitors, which=", ".join(removal.silent)))
    key = "removed" if journals is None else "purged"
    click.echo(message(language, key, all=removal.monitors, nodes=removal.purged))


def main() -> None:
    """Run the `cmzsb-deploy` command."""
    sys.exit(cli.run(command))


if __name__ == "__main__":
    main()
