"""A real systemd, booted from a root folder of its own: what it writes is in memory and gone when it is shut down."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from testkit.net import wait_for
from testkit.process import Process

_ASK = """
import json, sys, urllib.request
method, url, data, token = sys.argv[1:]
headers = {"Content-Type": "application/json"} | ({"Authorization": "Bearer " + token} if token else {})
request = urllib.request.Request(url, data.encode() or None, headers, method=method)
try:
    with urllib.request.urlopen(request, timeout=10) as reply:
        status, text = reply.status, reply.read().decode()
except urllib.error.HTTPError as error:
    status, text = error.code, error.read().decode()
except OSError as error:
    status, text = 0, str(error)
print(json.dumps([status, text]))
"""


class Container:
    """Runs commands as root inside."""

    def __init__(self, leader: int) -> None:
        """`leader` is the process of the container's systemd, as this machine numbers it."""
        self.leader = leader
        self._enter = ["nsenter", f"--target={leader}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"]

    def run(self, *command: str | Path, check: bool = True, seconds: float = 240) -> subprocess.CompletedProcess[str]:
        """Run `command`; raises `AssertionError` with what it said when it fails, unless `check` is false."""
        done = subprocess.run(
            [*self._enter, *(str(word) for word in command)],
            capture_output=True, text=True, check=False, timeout=seconds, stdin=subprocess.DEVNULL,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"},
        )  # fmt: skip
        assert not check or done.returncode == 0, (command, done.stdout, done.stderr)
        return done

    def shell(self, script: str, check: bool = True) -> str:
        """Run a shell script and return what it printed."""
        return self.run("sh", "-c", script, check=check).stdout

    @contextmanager
    def background(self, program: str) -> Iterator[subprocess.Popen[str]]:
        """Have a Python program run inside that prints a line once it is ready; it ends with this context."""
        # nsenter forks; its child would go on without it.
        command = [*self._enter, "setpriv", "--pdeathsig", "KILL", "python3", "-c", program]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline(), "the program ended"
                yield process
            finally:
                process.kill()

    def ask(self, url: str, data: str = "", token: str = "") -> tuple[int, str]:
        """Return status and text of the answer to a request made inside; status 0: there was none."""
        done = self.run("python3", "-c", _ASK, "POST" if data else "GET", url, data, token)
        status, text = json.loads(done.stdout)
        return status, text

    def property(self, unit: str, name: str) -> str:
        return self.run("systemctl", "show", "--property", name, "--value", unit).stdout.strip()

    def journal(self, unit: str, *options: str) -> list[Mapping[str, Any]]:
        """Return the journal's entries that come from the unit's own processes."""
        done = self.run("journalctl", "--quiet", "--output=json", "_SYSTEMD_UNIT=" + unit + ".service", *options)
        return [json.loads(line) for line in done.stdout.splitlines()]


@contextmanager
def boot(root: Path, log: Path, *binds: str) -> Iterator[Container]:
    """Boot the systemd in `root`, with a network of its own; `binds` are paths of this machine, as `OUTSIDE:INSIDE`."""
    command = [
        "systemd-nspawn", "--quiet", f"--directory={root}", "--volatile=overlay", "--private-network",
        "--register=no", "--keep-unit", "--boot", "--console=pipe", *(f"--bind={bind}" for bind in binds),
    ]  # fmt: skip
    # The machine may still have the old control groups, which systemd 256 and later refuse.
    with Process(command, log, {"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}) as process:
        try:
            container = wait_for(lambda: _find(process.pid), "the boot", 300)
            yield container
        finally:
            os.kill(process.pid, signal.SIGTERM)  # an orderly shutdown, which also removes what nspawn mounted
            wait_for(lambda: not process.running, "the shutdown", 120)


def _find(nspawn: int) -> Container | None:
    """Return the container once it is up; before its systemd runs, the child of nspawn is another one."""
    for child in psutil.Process(nspawn).children():
        container = Container(child.pid)
        done = container.run("systemctl", "is-system-running", check=False)
        if done.stdout.strip() in ("running", "degraded"):
            return container
    return None
