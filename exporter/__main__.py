"""The command line of the node monitor: wires journal, status, API and server together."""

from __future__ import annotations

import faulthandler
import logging
import socket
import sys
from pathlib import Path

import click

from exporter.board import BoardReader
from exporter.metrics import Errors, StatusCollector, registry
from exporter.report import TTL_MAX, TTL_MIN
from exporter.status.service import Status
from exporter.status.ticker import Ticker
from exporter.storage.journal import Journal
from exporter.web.access import WritePolicy, networks
from exporter.web.api import Services, create_app, health_failure
from exporter.web.identity import LocalIdentity
from exporter.web.refusals import RejectedReports
from exporter.web.server import Server
from servicekit import cli, log
from servicekit.address import Address
from servicekit.clock import SystemClock
from servicekit.errors import StartError
from servicekit.notify import Notifier, Watchdog, status_text
from servicekit.secrets import read_token
from servicekit.text import safe_name
from servicekit.url import without_credentials
from servicekit.version import __version__

_option = cli.Options("CMZSB_")
_log = logging.getLogger("exporter")


def _networks(value: str) -> str:
    try:
        networks(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    return value


def _node_name(value: str) -> str:
    if not value or safe_name(value) != value:
        raise click.BadParameter(f"{value!r}: letters, digits, '.', '_' and '-', at most 63")
    return value


@click.command("cmzsb-exporter")
@_option("--listen", "Address and port to serve on.", type=cli.listen_address, default="0.0.0.0:8000")
@_option(
    "--node-name",
    "The node's name: the label `node` of every metric.",
    type=_node_name,
    default=lambda: safe_name(socket.gethostname()),
    show_default="host name",
)
@_option(
    "--state-dir",
    "Directory of the journal; one monitor each.",
    type=click.Path(path_type=Path),
    default="/var/lib/cm-zsb-monitor",
)
@_option(
    "--report-ttl",
    "Seconds without a report after which the node counts as idle.",
    type=click.FloatRange(TTL_MIN, TTL_MAX),
    default=60.0,
)
@_option("--token-file", "File with the token that lets other machines write.", type=click.Path(path_type=Path))
@_option(
    "--trusted-writers",
    "Addresses and networks that may write without a token, besides loopback, which always may.",
    type=_networks,
    default="",
    show_default="none",
)
@_option(
    "--host-names",
    "Further host names, comma-separated, that requests may use for the monitor.",
    default="",
    show_default="none",
)
@_option(
    "--alertmanager-url",
    "Alertmanager as a browser reaches it, e.g. http://HEAD:9093: the page links to a new silence of the node.",
    type=cli.service_url,
)
@_option("--log-level", "Least severity that is logged.", type=click.Choice(log.LEVELS), default="info")
@click.version_option(__version__)
def command(
    listen: Address,
    node_name: str,
    state_dir: Path,
    report_ttl: float,
    token_file: Path | None,
    trusted_writers: str,
    host_names: str,
    alertmanager_url: str | None,
    log_level: str,
) -> None:
    """Serve this node's work status to CastRay, browsers and Prometheus."""
    log.configure(log_level)
    notifier = Notifier.from_environment()
    logging.getLogger("waitress").setLevel(logging.ERROR)
    policy = WritePolicy(networks(trusted_writers), read_token(token_file) if token_file else None)
    clock = SystemClock()
    journal = Journal(state_dir)
    status = Status(clock=clock, recorder=journal, ttl=report_ttl, stored=journal.stored)
    board = BoardReader()
    errors, rejected = Errors(), RejectedReports(status.reject)
    services = Services(
        status=status,
        journal=journal,
        identity=LocalIdentity(node_name, socket.gethostname(), listen.host),
        policy=policy,
        registry=registry(StatusCollector(node_name, status.view, lambda: journal.errors, errors, board.latest)),
        clock=clock,
        errors=errors,
        rejected=rejected,
        board=board.latest,
        host_names=frozenset(name.strip().lower() for name in host_names.split(",") if name.strip()),
        alertmanager_url=without_credentials(alertmanager_url) if alertmanager_url else None,
    )
    try:
        server = Server(create_app(services), listen, rejected, lambda: notifier.waiting(f"waiting for {listen}"))
    except StartError:
        journal.close()
        raise
    ticker = Ticker(status)
    board.start()
    _log.info(log.event("listening", address=server.address, node=node_name, version=__version__))

    def liveness_error() -> str:
        if not journal.is_alive():
            return "the journal's thread is stuck"
        return "" if ticker.is_alive() else "the status is stuck"

    def summary() -> str:
        return status_text(f"serving {node_name} on {server.address}", health_failure(journal))

    watchdog = Watchdog(notifier, liveness_error, summary)
    watchdog.start()
    notifier.ready(summary())

    def before_stop() -> None:
        notifier.stopping()
        status.release_waiters()

    server.run(before_stop)
    watchdog.close()
    ticker.close()
    board.close()
    status.close()
    journal.close()
    _log.info("stopped")


def main() -> None:
    """Run the `cmzsb-exporter` command."""
    faulthandler.enable()  # a fatal signal, systemd's SIGABRT among them, leaves every thread's stack in the log
    sys.exit(cli.run(command))


if __name__ == "__main__":
    main()
