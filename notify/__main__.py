"""The command line of cmzsb-notify: wires addresses, dispatcher, API and server together."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from servicekit.extras import needed

with needed("cmzsb-notify", "notify", python=(3, 10)):
    from datetime import tzinfo
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    import click
    from prometheus_client import CollectorRegistry, disable_created_metrics

    from notify import addresses as address_file
    from notify.api import Services, create_app
    from notify.channel import Channel
    from notify.dispatcher import Dispatcher
    from notify.ledger import Ledger
    from notify.ledger_file import LedgerFile
    from notify.message import Renderer
    from notify.metrics import Metrics
    from notify.server import serve
    from notify.trial import printing, try_addresses
    from servicekit import cli, log
    from servicekit.address import Address
    from servicekit.clock import SystemClock
    from servicekit.notify import Notifier, Watchdog
    from servicekit.secrets import read_token
    from servicekit.sockets import bind
    from servicekit.version import __version__

_option = cli.Options("CMZSB_NOTIFY_")
_log = logging.getLogger("notify")


def _time_zone(value: str) -> str:
    try:
        _ = ZoneInfo(value) if value else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise click.BadParameter(f"{value!r} is no time zone; e.g. Asia/Shanghai") from None
    return value


@click.command("cmzsb-notify")
@_option("--listen", "Address and port to serve on.", type=cli.listen_address, default="127.0.0.1:5001")
@_option(
    "--addresses",
    "File with the addresses that messages go to.",
    type=click.Path(path_type=Path),
    default="/etc/cmzsb/notify.addresses",
)
@_option("--token-file", "File with the token that Alertmanager must give.", type=click.Path(path_type=Path))
@_option(
    "--state-dir",
    "Directory for what was delivered, so that a restart repeats nothing.",
    type=click.Path(path_type=Path),
    show_default="in memory only",
)
@_option("--timeout", "Seconds that one delivery may take.", type=click.FloatRange(0.1, 60), default=10.0)
@_option(
    "--time-zone",
    "Time zone of the times in messages, e.g. Asia/Shanghai.",
    type=_time_zone,
    default="",
    show_default="the machine's",
)
@_option(
    "--host-names",
    "Names, comma-separated, under which the service is addressed.",
    default="",
    show_default="none",
)
@_option("--log-level", "Least severity that is logged.", type=click.Choice(log.LEVELS), default="info")
@_option(
    "--test", "Send one message to every address, say what each answered, and end.", is_flag=True, environment=False
)
@_option("--dry-run", "Print the messages instead of sending them.", is_flag=True)
@click.version_option(__version__)
def command(
    listen: Address,
    addresses: Path,
    token_file: Path | None,
    state_dir: Path | None,
    timeout: float,
    time_zone: str,
    host_names: str,
    log_level: str,
    test: bool,
    dry_run: bool,
) -> int:
    """Send Alertmanager's alerts to people's group chats."""
    log.configure(log_level)
    _silence_libraries()
    notifier = Notifier.from_environment()
    disable_created_metrics()  # type: ignore[no-untyped-call] # prometheus_client leaves this one out
    read = address_file.read(addresses)
    if dry_run:
        read = tuple(printing(address) for address in read)
    clock, registry = SystemClock(), CollectorRegistry()
    ledger = Ledger(clock, LedgerFile(state_dir, clock) if state_dir and not (test or dry_run) else None)
    metrics = Metrics(registry, sorted({address.transport.service for address in read}), clock)
    zone: tzinfo | None = ZoneInfo(time_zone) if time_zone else None
    channels = [Channel(each, Renderer(each.language, zone), ledger, metrics, clock) for each in read]
    if test:
        return 0 if try_addresses(channels) else 1
    dispatcher = Dispatcher(channels, ledger, metrics, clock, timeout)
    names = [name.strip() for name in host_names.split(",") if name.strip()]
    token = read_token(token_file) if token_file else None
    app = create_app(Services(dispatcher, metrics, registry, clock, token, names))
    sock = bind(listen)
    address = Address(listen.host, sock.getsockname()[1])
    _log.info(log.event("listening", address=address, addresses=len(channels), version=__version__))
    watchdog = Watchdog(notifier, dispatcher.liveness_error)
    watchdog.start()
    notifier.ready(f"serving on {address}")
    serve(app, sock, before_stop=notifier.stopping)
    watchdog.close()
    return 0


def _silence_libraries() -> None:
    """Keep what apprise and requests log out of the log: it holds addresses, and addresses hold keys."""
    for name in ("apprise", "urllib3", "requests", "requests_oauthlib", "oauthlib"):
        library = logging.getLogger(name)
        library.handlers, library.propagate = [logging.NullHandler()], False


def main() -> None:
    """Run the `cmzsb-notify` command."""
    sys.exit(cli.run(command))


if __name__ == "__main__":
    main()
