"""A real Ray cluster, and `cmzsb-deploy` run on it as an operator does."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import requests

from testkit.net import free_port
from testkit.paths import ROOT
from testkit.ray_cluster import NodeSpec, RayCluster

SPECS = [NodeSpec(f"M{number}", f"127.0.23.{number}") for number in range(1, 4)]
"""Not 127.0.0.1, which Ray replaces by the machine's outer address."""
LABELS = {"M2": {"cmzsb.node": "M2-gate"}}
NAMES = ["M1", "M2-gate", "M3"]
"""The nodes' names: a Ray label comes before the custom resource."""
OLD, NEW = "1.0.0", "2.0.0"


class Site:
    """The cluster with one port for all monitors; each listens on its node's address.

    `settle` and `clear` bring it to a known state, whatever was done to it before.
    """

    def __init__(self, directory: Path, cluster: RayCluster, outside: str) -> None:
        """`outside`: the cluster's address for programs that are no part of it."""
        self.directory = directory
        self.outside = outside
        self.old = copy_of_code(directory / "old", OLD)
        self.new = copy_of_code(directory / "new", NEW)
        self.cluster = cluster
        self.port = free_port([spec.ip for spec in SPECS])

    def settle(self) -> None:
        """Have three nodes, and on each a monitor of the old version."""
        for spec in SPECS:
            self.join(spec)
        if len(self.monitors()) != len(SPECS) or not all(self.runs_old(spec) for spec in SPECS):
            done = self.deploy()
            assert done.returncode == 0, done.stdout + done.stderr

    def runs_old(self, spec: NodeSpec) -> bool:
        return answers(self, spec) and self.version(spec) == OLD

    def clear(self) -> None:
        """Have three nodes without monitors."""
        for spec in SPECS:
            self.join(spec)
        if self.monitors():
            done = self.deploy("--remove")
            assert done.returncode == 0, done.stdout + done.stderr

    def join(self, spec: NodeSpec) -> None:
        if spec.name not in self.cluster.names:
            self.cluster.add(spec, LABELS.get(spec.name))

    def state(self, name: str) -> Path:
        return self.directory / f"state-{name}"

    def deploy(self, *options: str, code: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command from the packages below `code` (by default the old version), in English."""
        command = [sys.executable, "-m", "deploy", "--address", self.cluster.address, "--port", str(self.port)]
        command += [
            "--listen-on",
            "node",
            "--state-dir",
            f"{self.directory}/state-{{node}}",
            "--timeout",
            "30",
            *options,
        ]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("CMZSB_")}
        return subprocess.run(
            command, cwd=code or self.old, env=environment | {"LC_ALL": "C.UTF-8"},
            capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip

    def ask(self, spec: NodeSpec, path: str = "/api/status", timeout: float = 2) -> dict[str, Any]:
        reply: dict[str, Any] = requests.get(f"http://{spec.ip}:{self.port}{path}", timeout=timeout).json()
        return reply

    def version(self, spec: NodeSpec) -> str:
        return str(self.ask(spec, "/api/health")["version"])

    def monitors(self) -> dict[str, psutil.Process]:
        """Return the monitors' processes by their nodes' addresses."""
        return {
            match[1]: process
            for process in psutil.process_iter()
            if (match := re.search(rf"deploy\.child .*--listen ([\d.]+):{self.port} ", command_line(process)))
        }

    def controller(self) -> psutil.Process:
        family = self.raylet(SPECS[0]).children(recursive=True)
        return next(process for process in family if command_line(process).startswith("ray::Controller"))

    @contextmanager
    def frozen(self, spec: NodeSpec) -> Iterator[None]:
        """Stop all processes of a node, without ending them."""
        monitor = self.monitors()[spec.ip]
        processes = [self.raylet(spec), monitor.parent(), monitor]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in reversed(processes):
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()

    def raylet(self, spec: NodeSpec) -> psutil.Process:
        return next(
            process
            for process in psutil.process_iter()
            if f"--node_ip_address={spec.ip} " in (line := command_line(process)) and "/raylet " in line
        )


def command_line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) + " "
    except psutil.Error:  # gone in the meantime
        return ""


def copy_of_code(directory: Path, version: str) -> Path:
    """Copy the packages to `directory` as they are now, but of another version; return it."""
    for package in ("deploy", "exporter", "servicekit"):
        shutil.copytree(ROOT / package, directory / package, ignore=shutil.ignore_patterns("__pycache__"))
    (directory / "servicekit" / "version.py").write_text(f'__version__ = "{version}"\n', "utf-8")
    return directory


@contextmanager
def most_down_at_once(site: Site, specs: Sequence[NodeSpec]) -> Iterator[list[int]]:
    """Give a list to which, while the block runs, each check appends how many monitors did not answer."""
    counts: list[int] = []
    over = threading.Event()

    def check_all() -> None:
        while not over.wait(0.05):
            counts.append(sum(not answers(site, spec) for spec in specs))

    thread = threading.Thread(target=check_all)
    thread.start()
    try:
        yield counts
    finally:
        over.set()
        thread.join()


def answers(site: Site, spec: NodeSpec) -> bool:
    try:
        return bool(site.ask(spec, "/api/health", timeout=1)["status"] == "healthy")
    except requests.RequestException:
        return False
