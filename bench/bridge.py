"""A real bridge over many small monitors, or over real ones, for as long as something is measured."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from testkit.changing_fleet import ChangingFleet, changing_fleet
from testkit.fake_fleet import fleet, host
from testkit.fake_ray import fake_ray
from testkit.net import free_port, wait_for
from testkit.process import Process, module
from testkit.running import DESCRIPTORS, RunningBridge

UNIT_DESCRIPTORS: Final = 16_384
"""Open files of the bridge under its systemd unit."""
AS_THE_UNIT: Final = {"MALLOC_TRIM_THRESHOLD_": "131072"}
"""What `systemd/castray-bridge.service` sets."""
_MOST: Final = 0.97
_LOOKED_THROUGH: Final = 5000
"""Nodes a second that the wait for the first round costs the bridge; ten megabytes of list at a time delay that."""


class Bridge(RunningBridge):
    """A running bridge, and what is around it."""

    def __init__(
        self,
        directory: Path,
        ray: tuple[str, Process],
        monitor_port: int,
        *options: str,
        descriptors: int = DESCRIPTORS,
    ) -> None:
        self.directory = directory
        self.ray_url, self.ray = ray
        self.monitor_port = monitor_port
        source = ("--ray-dashboard", self.ray_url, "--monitor-port", str(monitor_port))
        options = (*source, "--log-level", "error", *options)
        super().__init__(directory, *options, descriptors=descriptors, environment=AS_THE_UNIT)


@contextmanager
def over_fleet(count: int, bad: int = 0, kind: str = "hanging") -> Iterator[Bridge]:
    """Run a bridge over `count` small monitors, the last `bad` of which are `kind`: `hanging` or `hostile`."""
    with ExitStack() as stack:
        addresses = stack.enter_context(fleet(count, bad, kind))
        bridge = _start(stack, count, addresses[0].port, ())
        _wait_until_known(bridge, count, count - bad)
        yield bridge


@contextmanager
def over_changing_fleet(count: int, changes_per_second: float, *options: str) -> Iterator[tuple[Bridge, ChangingFleet]]:
    """Run a bridge over `count` nodes that change, and a Ray whose replies have their real size."""
    with (
        changing_world(count, changes_per_second) as (fleet, ray, directory),
        Bridge(directory, ray, fleet.port, *options, descriptors=UNIT_DESCRIPTORS) as bridge,
    ):
        # Not all of them: on a busy machine a few of thousands are always just late.
        _wait_until_known(bridge, count, int(_MOST * count))
        yield bridge, fleet


@contextmanager
def changing_world(count: int, changes_per_second: float) -> Iterator[tuple[ChangingFleet, tuple[str, Process], Path]]:
    """Run `count` nodes that change and a Ray whose replies have their real size; yield also a directory for logs."""
    with ExitStack() as stack:
        fleet = stack.enter_context(changing_fleet(count, changes_per_second))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yield fleet, stack.enter_context(fake_ray(count, directory, "real")), directory


@contextmanager
def over_monitors(count: int, *options: str) -> Iterator[Bridge]:
    """Run a bridge over `count` real monitors."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port([host(number) for number in range(count)])
        for number in range(count):
            state = directory / f"M{number + 1}"
            state.mkdir()
            command = module("exporter", "--listen", f"{host(number)}:{port}", "--node-name", f"M{number + 1}")
            # Their heartbeat is not what is measured.
            command += ["--state-dir", state, "--log-level", "error", "--report-ttl", "600"]
            stack.enter_context(Process(command, state / "log"))
        bridge = _start(stack, count, port, options)
        _wait_until_known(bridge, count, count)
        yield bridge


def _start(stack: ExitStack, count: int, monitor_port: int, options: tuple[str, ...]) -> Bridge:
    directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    ray = stack.enter_context(fake_ray(count, directory))
    bridge: Bridge = stack.enter_context(Bridge(directory, ray, monitor_port, *options))
    return bridge


def _wait_until_known(bridge: Bridge, count: int, answering: int) -> None:
    def known() -> bool:
        time.sleep(count / _LOOKED_THROUGH)
        nodes = bridge.nodes().values()
        pending = sum(node["workStatusError"] == "pending" for node in nodes)
        return len(nodes) == count and not pending and sum(n["workStatusReachable"] for n in nodes) >= answering

    wait_for(known, "the bridge's first round", 120)
