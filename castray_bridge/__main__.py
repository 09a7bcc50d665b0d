"""The bridge's command: it wires source, bridge, API and server together."""

from __future__ import annotations

import faulthandler
import logging
import sys
from pathlib import Path

from servicekit.extras import needed

with needed("castray-bridge", "bridge", python=(3, 10)):
    import click
    from flask import Flask
    from prometheus_client import disable_created_metrics

    from castray_bridge.bridge import Bridge
    from castray_bridge.probes.schedule import ProbeSettings
    from castray_bridge.sources import inventory as inventories
    from castray_bridge.sources.source import CastRaySource, RaySource, Source
    from castray_bridge.web.access import Access
    from castray_bridge.web.api import create_app
    from castray_bridge.web.server import Server
    from castray_bridge.web.websocket import Push
    from exporter.states import IDLE, UNKNOWN
    from servicekit import cli, log
    from servicekit.address import Address
    from servicekit.notify import Notifier, Watchdog, status_text
    from servicekit.secrets import read_token
    from servicekit.sockets import bind
    from servicekit.version import __version__

_option = cli.Options("CASTRAY_BRIDGE_")
_log = logging.getLogger("castray_bridge")


def _url(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise click.BadParameter(f"{value!r} is not an http or https URL")
    return value


def _words(value: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in value.split(",") if word.strip())


@click.command("castray-bridge")
@_option("--listen", "Address and port to serve on.", type=cli.listen_address, default="0.0.0.0:8001")
@_option("--ray-dashboard", "Ray's dashboard, e.g. http://HEAD:8265: the source of nodes.", type=_url)
@_option("--castray", "An existing CastRay as the source of nodes instead.", type=_url)
@_option("--ray-token-file", "File with the token that Ray's dashboard demands.", type=click.Path(path_type=Path))
@_option("--monitor-port", "Port of the nodes' monitors.", type=click.IntRange(1, 65535), default=8000)
@_option("--timeout", "Seconds that one probe of a node may take.", type=click.FloatRange(0.05, 10), default=1.0)
@_option("--workers", "Threads that probe nodes.", type=click.IntRange(1, 512), default=64)
@_option(
    "--refresh", "Seconds between two polls of the source, and of a node.", type=click.FloatRange(0.1, 60), default=1.0
)
@_option(
    "--unreachable-as",
    "Value of `workStatus` for a node without an answer.",
    type=click.Choice([IDLE.name, UNKNOWN.name]),
    default=IDLE.name,
)
@_option(
    "--status-source",
    "Where work statuses come from: the nodes' monitors, or the Prometheus that scrapes them.",
    type=click.Choice(["monitors", "prometheus"]),
    default="monitors",
)
@_option("--prometheus-url", "That Prometheus, or a service with its query API, e.g. http://HEAD:9090.", type=_url)
@_option("--inventory", "JSON file with the nodes that should exist.", type=click.Path(path_type=Path))
@_option(
    "--cors-origin",
    "Origins of web pages that may read and connect, comma-separated.",
    type=_words,
    default="",
    show_default="all",
)
@_option(
    "--host-names",
    "Host names under which the bridge is addressed, comma-separated.",
    type=_words,
    default="",
    show_default="none",
)
@_option("--token-file", "File with the token that readers must give.", type=click.Path(path_type=Path))
@_option("--max-websockets", "Most WebSocket clients at a time.", type=click.IntRange(1, 1000), default=256)
@_option("--log-level", "Least severity that is logged.", type=click.Choice(log.LEVELS), default="info")
@click.version_option(__version__)
def command(
    listen: Address,
    ray_dashboard: str | None,
    castray: str | None,
    ray_token_file: Path | None,
    monitor_port: int,
    timeout: float,
    workers: int,
    refresh: float,
    unreachable_as: str,
    status_source: str,
    prometheus_url: str | None,
    inventory: Path | None,
    cors_origin: tuple[str, ...],
    host_names: tuple[str, ...],
    token_file: Path | None,
    max_websockets: int,
    log_level: str,
) -> None:
    """Serve every node's work status to dashboards, browsers and Prometheus."""
    log.configure(log_level)
    notifier = Notifier.from_environment()  # before gunicorn, which would notify "ready" too early
    disable_created_metrics()  # type: ignore[no-untyped-call] # untyped there
    if (status_source == "prometheus") != bool(prometheus_url):
        raise click.UsageError("--status-source prometheus and --prometheus-url go together")
    source = _source(ray_dashboard, castray, ray_token_file)
    expected = inventories.load(inventory) if inventory else ()
    access = Access(
        cors_origin,
        read_token(token_file) if token_file else None,
        frozenset(name.lower() for name in host_names),
    )
    bridge = Bridge(
        source,
        monitor_port=monitor_port,
        settings=ProbeSettings(timeout, refresh, workers),
        unreachable_as=unreachable_as,
        inventory=expected,
        prometheus_url=prometheus_url,
    )
    watchdog = Watchdog(
        notifier, bridge.liveness_error, lambda: status_text(f"serving on {address}", bridge.poller.failure)
    )
    push = Push(bridge.store, bridge.metrics, max_websockets)

    def make_app() -> Flask:
        bridge.start()
        watchdog.start()
        notifier.ready(f"serving on {address}")
        return create_app(bridge, push, access)

    def before_stop() -> None:
        notifier.stopping()
        watchdog.close()
        push.close()

    sock = bind(listen, lambda: notifier.waiting(f"waiting for {listen}"))
    address = Address(listen.host, sock.getsockname()[1])
    _log.info(log.event("listening", address=address, version=__version__))
    Server(sock, make_app, before_stop, after_stop=bridge.close).run()


def _source(ray_dashboard: str | None, castray: str | None, ray_token_file: Path | None) -> Source:
    if castray and not ray_dashboard:
        return CastRaySource(castray)
    if ray_dashboard and not castray:
        return RaySource(ray_dashboard, read_token(ray_token_file) if ray_token_file else None)
    raise click.UsageError("give either --ray-dashboard or --castray")


def main() -> None:
    """Run the `castray-bridge` command."""
    faulthandler.enable()  # a fatal signal, systemd's SIGABRT among them, leaves every thread's stack in the log
    sys.exit(cli.run(command))


if __name__ == "__main__":
    main()
