"""The bridge's command: it wires source, bridge, API and server together."""

from __future__ import annotations

import faulthandler
import logging
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from servicekit.extras import needed

with needed("castray-bridge", "bridge", python=(3, 10)):
    import click
    from flask import Flask
    from prometheus_client import disable_created_metrics

    from castray_bridge.bridge import Bridge
    from castray_bridge.probes.schedule import ProbeSettings
    from castray_bridge.sources import inventory as inventories
    from castray_bridge.sources.source import (
        CASTRAY_BUDGET,
        RAY_BUDGET,
        CastRaySource,
        FallbackSource,
        RaySource,
        Source,
    )
    from castray_bridge.web.access import Access
    from castray_bridge.web.api import create_app
    from castray_bridge.web.origins import parse_origins
    from castray_bridge.web.server import Server
    from castray_bridge.web.websocket import Push
    from exporter.states import IDLE, UNKNOWN
    from servicekit import cli, log
    from servicekit.address import Address
    from servicekit.errors import StartError
    from servicekit.host_names import own_host_names, parse_host_names
    from servicekit.notify import Notifier, Watchdog, status_text
    from servicekit.reloaded_file import ReloadedFile
    from servicekit.secrets import read_token
    from servicekit.sockets import bind
    from servicekit.url import without_credentials
    from servicekit.version import __version__

_url = cli.service_url
_option = cli.Options("CASTRAY_BRIDGE_")
_Value = TypeVar("_Value")
_log = logging.getLogger("castray_bridge")


def _checked(parse: Callable[[str], _Value]) -> Callable[[str], _Value]:
    """Return an option type whose `ValueError` is the error message of the option."""

    def convert(value: str) -> _Value:
        try:
            return parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from None

    return convert


@click.command("castray-bridge")
@_option("--listen", "Address and port to serve on.", type=cli.listen_address, default="0.0.0.0:8001")
@_option("--ray-dashboard", "Ray's dashboard, e.g. http://HEAD:8265: the source of nodes.", type=_url)
@_option("--castray", "An existing CastRay as the source; --ray-dashboard is then its substitute.", type=_url)
@_option("--ray-token-file", "File with the token that Ray's dashboard demands.", type=click.Path(path_type=Path))
@_option(
    "--source-timeout",
    "Seconds that one poll of the source may take.",
    type=click.FloatRange(0.1, 120),
    show_default="2 for Ray, 15 for CastRay",
)
@_option("--ca-file", "PEM file with the certificates to trust for https.", type=click.Path(path_type=Path))
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
@_option(
    "--alertmanager-url",
    "Alertmanager: silenced nodes are marked, and the wall links to it, e.g. http://HEAD:9093.",
    type=_url,
)
@_option("--inventory", "JSON file with the nodes that should exist.", type=click.Path(path_type=Path))
@_option(
    "--cors-origin",
    "Origins of web pages that may read and connect, comma-separated.",
    type=_checked(parse_origins),
    default="",
    show_default="all",
)
@_option(
    "--host-names",
    "Host names under which the bridge is addressed, comma-separated.",
    type=_checked(parse_host_names),
    default="",
    show_default="its own",
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
    source_timeout: float | None,
    ca_file: Path | None,
    monitor_port: int,
    timeout: float,
    workers: int,
    refresh: float,
    unreachable_as: str,
    status_source: str,
    prometheus_url: str | None,
    alertmanager_url: str | None,
    inventory: Path | None,
    cors_origin: tuple[str, ...],
    host_names: frozenset[str],
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
    source = _source(ray_dashboard, castray, ray_token_file, source_timeout, ca_file)
    access = Access(
        cors_origin,
        ReloadedFile(token_file, read_token) if token_file else None,
        host_names | own_host_names(),
    )
    bridge = Bridge(
        source,
        monitor_port=monitor_port,
        settings=ProbeSettings(timeout, refresh, workers),
        unreachable_as=unreachable_as,
        inventory=ReloadedFile(inventory, inventories.load) if inventory else (),
        prometheus_url=prometheus_url,
        alertmanager_url=alertmanager_url,
    )
    watchdog = Watchdog(
        notifier, bridge.liveness_error, lambda: status_text(f"serving on {address}", bridge.poller.failure)
    )
    push = Push(bridge.store, bridge.metrics, max_websockets)

    def make_app() -> Flask:
        bridge.start()
        watchdog.start()
        notifier.ready(f"serving on {address}")
        return create_app(bridge, push, access, without_credentials(alertmanager_url) if alertmanager_url else None)

    def before_stop() -> None:
        notifier.stopping()
        watchdog.close()
        push.close()

    sock = bind(listen, lambda: notifier.waiting(f"waiting for {listen}"))
    address = Address(listen.host, sock.getsockname()[1])
    _log.info(log.event("listening", address=address, version=__version__))
    Server(sock, make_app, before_stop, after_stop=bridge.close).run()


def _source(
    ray_dashboard: str | None,
    castray: str | None,
    ray_token_file: Path | None,
    timeout: float | None,
    ca_file: Path | None,
) -> Source:
    """Return the source of nodes. Raises `UsageError` without one, `StartError` for a file that cannot be used."""
    certificates = str(_readable(ca_file)) if ca_file else None
    token = ReloadedFile(ray_token_file, read_token) if ray_token_file else None
    ray = RaySource(ray_dashboard, token, budget=timeout or RAY_BUDGET, ca_file=certificates) if ray_dashboard else None
    if castray:
        from_castray = CastRaySource(castray, budget=timeout or CASTRAY_BUDGET, ca_file=certificates)
        return FallbackSource(from_castray, ray) if ray else from_castray
    if ray is None:
        raise click.UsageError("give --ray-dashboard, --castray, or both")
    return ray


def _readable(ca_file: Path) -> Path:
    try:
        ssl.create_default_context(cafile=str(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise StartError(f"the certificates {ca_file} cannot be used: {error}") from None
    return ca_file


def main() -> None:
    """Run the `castray-bridge` command."""
    faulthandler.enable()  # a fatal signal, systemd's SIGABRT among them, leaves every thread's stack in the log
    sys.exit(cli.run(command))


if __name__ == "__main__":
    main()
