"""A real bridge over many small monitors, or over real ones, for as long as something is measured."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from demo.stack import get_json
from testkit.fake_fleet import fleet, host
from testkit.fake_ray import fake_ray
from testkit.net import free_port, wait_for
from testkit.process import Process, module


class Bridge(NamedTuple):
    """A running bridge and what is around it."""

    url: str
    process: Process
    ray_url: str
    ray: Process
    monitor_port: int
    directory: Path

    def nodes(self) -> list[dict[str, Any]]:
        """Return the node objects as any viewer sees them."""
        found: list[dict[str, Any]] = get_json(f"{self.url}/api/ray-dashboard")["data"]["nodes"]
        return found

    def processes(self) -> list[psutil.Process]:
        """Return its processes: gunicorn serves from a child."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        return sum(sum(process.cpu_times()[:2]) for process in self.processes())

    def threads(self) -> int:
        """Return how many threads it has."""
        return sum(process.num_threads() for process in self.processes())

    def megabytes(self) -> float:
        """Return its memory, what its processes share counted once (PSS)."""
        return sum(process.memory_full_info().pss for process in self.processes()) / 1e6


@contextmanager
def over_fleet(count: int, bad: int = 0, kind: str = "hanging") -> Iterator[Bridge]:
    """Run a bridge over `count` small monitors, the last `bad` of which are `kind`: `hanging` or `hostile`."""
    with ExitStack() as stack:
        addresses = stack.enter_context(fleet(count, bad, kind))
        bridge = _start(stack, count, addresses[0].port, ())
        _wait_until_known(bridge, count, count - bad)
        yield bridge


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
    ray_url, ray = stack.enter_context(fake_ray(count, directory))
    address = f"127.0.0.1:{free_port()}"
    command = module("castray_bridge", "--listen", address, "--ray-dashboard", ray_url, "--log-level", "error")
    command += ["--monitor-port", str(monitor_port), *options]
    process = stack.enter_context(Process(command, directory / "bridge.log"))
    return Bridge(f"http://{address}", process, ray_url, ray, monitor_port, directory)


def _wait_until_known(bridge: Bridge, count: int, answering: int) -> None:
    def known() -> bool:
        nodes = bridge.nodes()
        pending = sum(node["workStatusError"] == "pending" for node in nodes)
        return len(nodes) == count and not pending and sum(n["workStatusReachable"] for n in nodes) >= answering

    wait_for(known, "the bridge's first round", 60)
