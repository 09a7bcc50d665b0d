"""A Ray cluster started as on the site: `ray start` on each node, here one loopback address each."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import requests

from testkit.net import free_port, wait_for
from testkit.process import Process
from testkit.ray_cluster import OBJECT_STORE_BYTES, NodeSpec
from tests.rays.environments import RayVersion

SPECS = [NodeSpec(f"M{number}", f"127.0.25.{number}") for number in range(1, 4)]
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_health_check_period_ms": "500", "PYTHONWARNINGS": "ignore"}


class StartedCluster:
    """Head and workers of one Ray version, with one port for all monitors. `close` ends every process."""

    def __init__(self, version: RayVersion, directory: Path, environment: dict[str, str] | None = None) -> None:
        """`directory` takes Ray's session; short, because Ray puts Unix sockets into it (107 bytes).

        `environment` is added to that of the nodes.
        """
        self.version = version
        self._environment = _QUIET | (environment or {})
        self.directory = directory
        self.port = free_port([spec.ip for spec in SPECS])
        self.address = f"{SPECS[0].ip}:{free_port()}"
        self.dashboard = f"127.0.0.1:{free_port()}"
        self._client_port = free_port()
        self._nodes: dict[str, Process] = {}

    @property
    def client_address(self) -> str:
        return f"ray://127.0.0.1:{self._client_port}"

    def join(self, spec: NodeSpec) -> None:
        """Have the node `spec`; the first one is the head."""
        if spec.name in self._nodes:
            return
        role = ["--address", self.address]
        if spec == SPECS[0]:
            host, _, port = self.dashboard.partition(":")
            role = ["--head", "--port", self.address.rpartition(":")[2], "--temp-dir", str(self.directory / "r")]
            role += ["--dashboard-host", host, "--dashboard-port", port]
            role += ["--ray-client-server-port", str(self._client_port)]
        command = [str(self.version.program("ray")), "start", "--block", "--node-ip-address", spec.ip, *role]
        command += ["--num-cpus", "1", "--object-store-memory", str(OBJECT_STORE_BYTES)]
        command += ["--resources", json.dumps({spec.name: 1})]
        node = self._nodes[spec.name] = Process(command, self.directory / f"{spec.name}.log", self._environment)
        wait_for(lambda: "Ray runtime started" in node.output(), f"{spec.name}:\n{node.output()}", 90)

    def kill(self, name: str) -> None:
        """End a node as a power cut would."""
        node = self._nodes.pop(name)
        family = psutil.Process(node.pid).children(recursive=True)
        node.kill()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def close(self) -> None:
        for name in list(self._nodes)[::-1]:
            self.kill(name)

    def deploy(
        self, *options: str, address: str | None = None, environment: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the installed command as an operator does, in English; `environment` is added to that of this process."""
        command = [self.version.program("cmzsb-deploy"), "--address", address or self.address, "--lang", "en"]
        command += ["--port", str(self.port), "--listen-on", "node", "--state-dir", f"{self.directory}/state-{{node}}"]
        return subprocess.run(
            [str(part) for part in [*command, *options]],
            cwd=self.directory, env=os.environ | (environment or {}),
            capture_output=True, text=True, timeout=240, check=False,
        )  # fmt: skip

    def get(self, spec: NodeSpec, path: str) -> dict[str, Any]:
        reply: dict[str, Any] = requests.get(f"http://{spec.ip}:{self.port}{path}", timeout=10).json()
        return reply

    def healthy(self, specs: Sequence[NodeSpec] = SPECS) -> list[str]:
        """Return the names under which the monitors of `specs` answer."""
        found = []
        for spec in specs:
            with contextlib.suppress(requests.RequestException):
                found.append(str(self.get(spec, "/api/status")["node_id"]))
        return found

    def controller(self) -> psutil.Process:
        family = psutil.Process(self._nodes[SPECS[0].name].pid).children(recursive=True)
        return next(one for one in family if one.cmdline()[:1] and one.cmdline()[0].startswith("ray::Controller"))
