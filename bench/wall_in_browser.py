"""What the wall of 1000 changing nodes costs a browser: Debian's Chromium at 1920 × 1080, over a real bridge.

`python -m bench.wall_in_browser --minutes 10` watches its memory for longer than `make bench` does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from statistics import median
from typing import Any, Final

import click
from rich.console import Console

from bench import report
from bench.bridge import over_changing_fleet
from bench.row import Benches, Row
from servicekit import cli
from testkit.binaries import advice, find
from testkit.process import module

_NODES: Final = 1000
_CHANGES: Final = 200
_MINUTES: Final = 2.0
_GIVEN_UP_SECONDS: Final = 120.0
"""Beyond the minutes of the memory; a page that takes longer to show its nodes does not show them."""


def measure(minutes: float = _MINUTES, nodes: int = _NODES, changes: float = _CHANGES) -> list[Row]:
    """Return the figures; the memory is watched for so many minutes. Raises `RuntimeError` without Chromium."""
    if find("chromium") is None:
        raise RuntimeError(advice("chromium"))
    with over_changing_fleet(nodes, changes) as (bridge, fleet):
        begun, used = time.monotonic(), fleet.cpu_seconds()
        page = _page(bridge.url, minutes)
        fleet_share = 100 * (fleet.cpu_seconds() - used) / (time.monotonic() - begun)
    heaps = page["heaps"]
    third = len(heaps) // 3
    grown = median(heaps[-third:]) - median(heaps[:third])
    name = f"wall of {nodes} nodes, {changes:g} changes/s, in Chromium"
    return [
        Row(f"{name}: first nodes after navigation", page["first_ms"], "ms", "<= 1000"),
        Row(f"{name}: main thread, on the processor", page["on_processor"], "% of a core", "<= 20"),
        Row(f"{name}: main thread, with its waits for the processor", page["task_seconds"], "%", ""),
        Row(f"{name}: JavaScript memory, grown in {minutes:g} minutes", grown, "MB", "<= 2"),
        Row(f"{name}: JavaScript memory", heaps[-1], "MB", ""),
        Row(f"{name}: DOM nodes", page["elements"], "", ""),
        Row(f"{name}: errors and warnings", len(page["complaints"]), "", "== 0"),
        Row(f"{name}: CPU of the fleet itself", fleet_share, "% of a core", ""),
        Row(f"{name}: load average", os.getloadavg()[0], "", ""),
    ]


def _page(url: str, minutes: float) -> dict[str, Any]:
    """Return what `bench.wall_page` measured. Raises `RuntimeError` when it did not end."""
    command = [*module("bench.wall_page"), url, str(minutes)]
    try:
        said = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, timeout=60 * minutes + _GIVEN_UP_SECONDS
        ).stdout
    except subprocess.TimeoutExpired as error:
        shown = b"shown" in (error.stdout or b"")
        raise RuntimeError(f"the page did not answer; nodes shown: {shown}") from None
    measured: dict[str, Any] = json.loads(said.splitlines()[-1])
    return measured


BENCHES: Benches = {"wall-in-browser": measure}


@click.command("wall-in-browser")
@click.option("--minutes", type=click.FloatRange(min=0.1), default=10.0, show_default=True)
@click.option("--nodes", type=click.IntRange(min=1), default=_NODES, show_default=True)
def command(minutes: float, nodes: int) -> None:
    """Measure the wall in Chromium; exit status 1 when a promise was not kept."""
    rows = measure(minutes, nodes, nodes / 5)
    Console(highlight=False).print(report.on_screen(rows))
    if any(row.kept is False for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(cli.run(command))
