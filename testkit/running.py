"""The services as real processes on loopback that tests end, start again and speak to badly."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import requests
from prometheus_client.parser import text_string_to_metric_families

from testkit.net import free_port, wait_for
from testkit.process import Process, module

DESCRIPTORS: Final = 1024
"""The soft limit that shells and systemd give; this process itself may have more."""


@contextmanager
def usual_descriptors(descriptors: int = DESCRIPTORS) -> Iterator[None]:
    """Start services with the usual limit of open files, however many the test itself may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = descriptors if soft == resource.RLIM_INFINITY else min(soft, descriptors)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Service:
    """A process with an HTTP API at `url`; a context manager that leaves nothing behind.

    Figures are sums over the process and its children, because gunicorn serves from one.
    """

    process: Process

    def __init__(self, address: str) -> None:
        self.address = address
        self.url = f"http://{address}"

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=30, allow_redirects=False, **options)

    def connect(self, seconds: float = 10.0) -> socket.socket:
        host, _, port = self.address.partition(":")
        return socket.create_connection((host, int(port)), timeout=seconds)

    def talk(self, raw: bytes) -> bytes:
        """Send raw bytes and return everything that comes until the service closes."""
        received = b""
        with self.connect() as peer:
            peer.sendall(raw)
            while piece := peer.recv(65536):
                received += piece
        return received

    def kill_9(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.kill()

    def processes(self) -> list[psutil.Process]:
        """Return the process and its children."""
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]

    def threads(self) -> int:
        return sum(process.num_threads() for process in self.processes())

    def descriptors(self) -> int:
        return sum(process.num_fds() for process in self.processes())

    def megabytes(self) -> float:
        """Return its memory; what processes share is counted once (PSS)."""
        return float(sum(process.memory_full_info().pss for process in self.processes())) / 1e6

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        return float(sum(sum(process.cpu_times()[:2]) for process in self.processes()))

    def resources(self) -> dict[str, float]:
        """Return threads, descriptors and megabytes, by these names."""
        return {"threads": self.threads(), "descriptors": self.descriptors(), "megabytes": self.megabytes()}


class RunningProgram(Service):
    """Any program, ready once the path `ready` replies 2xx; raises `TimeoutError` if that takes more than 20 s."""

    def __init__(
        self,
        command: Sequence[str | Path],
        port: int,
        ready: str,
        log: Path,
        environment: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"127.0.0.1:{port}")
        self.process = Process(command, log, environment)
        try:
            wait_for(lambda: self.get(ready).ok, f"an answer at {ready}", 20)
        except TimeoutError:
            self.process.kill()
            raise


class RunningMonitor(Service):
    """A monitor of the node M5; its journal is below `directory` and outlives it."""

    module = "exporter"

    def __init__(
        self,
        directory: Path,
        *options: str,
        address: str = "",
        node: str = "M5",
        health: tuple[int, ...] = (200,),
        command_prefix: Sequence[str] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        """`command_prefix` comes before the command; `environment` is added to this process's own."""
        super().__init__(address or f"127.0.0.1:{free_port()}")
        self.directory = directory
        self.state = directory / "state"
        self.log = directory / "monitor.log"
        self.options = ("--node-name", node, *options)
        self._environment = environment
        self.start(health, command_prefix)

    def start(self, health: tuple[int, ...] = (200,), command_prefix: Sequence[str] = ()) -> None:
        """Start it (again); returns when its health is one of those HTTP statuses."""
        options: tuple[str | Path, ...] = ("--listen", self.address, "--state-dir", self.state, *self.options)
        command = [*command_prefix, *module(self.module, *options)]
        with usual_descriptors():
            self.process = Process(command, self.log, self._environment)
        try:
            wait_for(lambda: self.get("/api/health").status_code in health, "the monitor's health", 20)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.process.output()}") from None

    def status(self) -> dict[str, Any]:
        reply: dict[str, Any] = self.get("/api/status").json()
        return reply

    def stats(self) -> dict[str, int]:
        stats: dict[str, int] = self.status()["stats"]
        return stats

    def report(self, **fields: Any) -> requests.Response:
        return requests.post(f"{self.url}/api/update_status", json=fields, timeout=10)


class RunningBridge(Service):
    """A bridge with `options`, which must name its source, a limit of open files and variables of its environment."""

    def __init__(
        self,
        directory: Path,
        *options: str,
        address: str = "",
        descriptors: int = DESCRIPTORS,
        environment: dict[str, str] | None = None,
    ) -> None:
        super().__init__(address or f"127.0.0.1:{free_port()}")
        self.log = directory / "bridge.log"
        self.options = options
        self._descriptors = descriptors
        self._environment = environment
        self.start()

    def start(self) -> None:
        """Start it (again); returns when it replies, healthy or not."""
        with usual_descriptors(self._descriptors):
            command = module("castray_bridge", "--listen", self.address, *self.options)
            self.process = Process(command, self.log, self._environment)
        wait_for(lambda: self.get("/api/health").status_code in (200, 503), "the bridge", 20)

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Return the living nodes by name."""
        found = self.get("/api/nodes/unified").json()["nodes"]
        return {node["name"]: node for node in found if node["state"] == "ALIVE"}


class RunningNotify(Service):
    """cmzsb-notify with the given lines of its address file, which lies in `directory`, and `options`."""

    def __init__(self, directory: Path, addresses: str, *options: str) -> None:
        super().__init__(f"127.0.0.1:{free_port()}")
        self.log = directory / "notify.log"
        self.file = directory / "notify.addresses"
        self.file.write_text(addresses, "utf-8")
        self.file.chmod(0o600)
        self.options = options
        self.start()

    def start(self) -> None:
        """Start it (again); returns when it replies, healthy or not."""
        command = module("notify", "--listen", self.address, "--addresses", self.file, *self.options)
        self.process = Process(command, self.log)
        try:
            wait_for(lambda: self.get("/api/health").status_code in (200, 503), "cmzsb-notify", 20)
        except TimeoutError as error:
            raise AssertionError(f"{error}\n{self.process.output()}") from None

    def post(self, payload: Any) -> requests.Response:
        """Post a notification as Alertmanager does."""
        return requests.post(f"{self.url}/alerts", json=payload, timeout=30)

    def metric(self, name: str, **labels: str) -> float:
        """Return the value of a sample; 0 where there is none."""
        for family in text_string_to_metric_families(self.get("/metrics").text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return 0.0
