"""A fleet of small monitors that change, over several processes, so that it takes 2,000 changes a second.

One loop per thousand nodes waits on raw sockets and sends replies made beforehand; what it takes of the processors is
measured from outside and told by each process at its end.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypedDict

import psutil

from servicekit.address import Address
from testkit.fake_fleet import host
from testkit.net import free_port, wait_for
from testkit.process import Process, module

_NODES_PER_PROCESS: Final = 1000
_PROCESSES: Final = 4


class FleetReport(NamedTuple):
    """What one process of the fleet did, from its start to its end, and what that took of a core."""

    seconds: float
    changes: int
    requests: int
    cpu_percent: float
    late_p99_ms: float
    """How much later than planned the changes came: more than some milliseconds tell that the process is too slow."""
    nodes: dict[str, NodeReport]


class NodeReport(TypedDict):
    """The state that a node ended in, and when it changed, in seconds of the monotonic clock."""

    state: str
    changed_at: list[float]


class ChangingFleet:
    """Its nodes' addresses, and what its processes took; the owner is `changing_fleet`."""

    def __init__(self, addresses: list[Address], processes: list[Process]) -> None:
        self.addresses = addresses
        self._processes = processes

    @property
    def port(self) -> int:
        return self.addresses[0].port

    def cpu_seconds(self) -> float:
        """Return the processor time that all of its processes have used."""
        times = [psutil.Process(process.pid).cpu_times() for process in self._processes]
        return float(sum(time.user + time.system for time in times))

    def stop_changing(self) -> None:
        """Let every node keep the state it has."""
        for process in self._processes:
            os.kill(process.pid, signal.SIGUSR1)

    def end(self) -> list[FleetReport]:
        """End the processes and return what each did."""
        for process in self._processes:
            process.terminate()
        return [FleetReport(**json.loads(process.output().splitlines()[-1])) for process in self._processes]


@contextmanager
def changing_fleet(count: int, changes_per_second: float, per_process: int = 0) -> Iterator[ChangingFleet]:
    """Run `count` nodes M1, M2 and so on, all at one port, with so many changes a second over all of them.

    `per_process` is how many nodes one process serves; 0: 1000, or more from 4000 nodes on.
    """
    per_process = per_process or max(_NODES_PER_PROCESS, -(-count // _PROCESSES))
    hosts = [host(number) for number in range(count)]
    port = free_port(hosts[:20])
    mean = count / changes_per_second if changes_per_second else 0.0
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        processes = []
        for first in range(0, count, per_process):
            numbers = (str(port), str(first), str(min(per_process, count - first)), f"{mean:.6f}")
            command = module("testkit.changing_monitors", *numbers)
            processes.append(stack.enter_context(Process(command, directory / f"from-{first}.log")))
        wait_for(lambda: all("listening" in process.output() for process in processes), "the fleet", 60)
        yield ChangingFleet([Address(one, port) for one in hosts], processes)
