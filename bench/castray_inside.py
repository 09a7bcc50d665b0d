"""`python -m bench.castray_inside`: CastRay's reply before and after the bridge in its own process.

23 nodes, some of which hang; one client asks again and again, as droneOnCampus does.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Final

import click
from rich.console import Console

from bench import report
from bench.row import Row
from servicekit import cli
from testkit.fake_fleet import fleet
from testkit.fake_ray import fake_ray
from testkit.net import free_port, get_json, wait_for
from testkit.process import Process, module

_PATH: Final = "/api/ray-dashboard"
_NODES: Final = 23


def reply_times(rounds: int, hanging: int, *more: str) -> list[float]:
    """Return the milliseconds of `rounds` replies; with `more` = "bridge" of the CastRay that has one inside."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        fleet(_NODES, hanging) as addresses,
        fake_ray(_NODES, Path(folder)) as (ray, _),
        Process(
            [*module("bench.castray"), str(port), ray, str(addresses[0].port), *more], Path(folder) / "castray.log"
        ),
    ):
        url = f"http://127.0.0.1:{port}{_PATH}"
        wait_for(lambda: _reachable(url) == _NODES - hanging, "every light", 30)
        return [_milliseconds(url) for _ in range(rounds)]


def _reachable(url: str) -> int:
    reply = get_json(url)
    return sum(node["workStatusReachable"] for node in reply["data"]["nodes"]) if reply else 0


def _milliseconds(url: str) -> float:
    begun = time.perf_counter()
    get_json(url)
    return 1000 * (time.perf_counter() - begun)


def measure(rounds: int = 20) -> list[Row]:
    """Return the median reply times with no, one and three of the nodes hanging."""
    return [
        Row(
            f"CastRay with the bridge inside, {_NODES} nodes, {hanging} hanging",
            median(reply_times(rounds, hanging, "bridge")),
            "ms",
            "",
            "asked within the request",
            median(reply_times(rounds, hanging)),
        )
        for hanging in (0, 1, 3)
    ]


@click.command("castray_inside")
def command() -> None:
    """Measure CastRay's reply before and after the bridge in its own process."""
    Console(highlight=False).print(report.on_screen(measure()))


if __name__ == "__main__":
    sys.exit(cli.run(command))
