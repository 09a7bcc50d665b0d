"""A machine to install on: this one, with changes to its disk kept apart and stubs in the place of its service manager.

All is in namespaces of its own, so that nothing of it is left, nor seen outside.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from testkit.binaries import require
from testkit.net import wait_for
from testkit.process import Process
from tests.systemd import stub

FOLDERS = ("/etc", "/opt", "/var/lib")
"""Where an installation puts something."""
PYTHON = Path("/mnt") / Path(sys.executable).resolve().relative_to(sys.base_prefix)
"""The interpreter of these tests, which may be in a home directory, where the services may read it."""
FIREWALLS = ("firewall-cmd", "ufw")
_BEGIN = """
set -e
mount -t tmpfs tmpfs "$1"
for folder in /etc /opt /var/lib; do
    mkdir -p "$1/upper$folder" "$1/work$folder"
    mount -t overlay -o "lowerdir=$folder,upperdir=$1/upper$folder,workdir=$1/work$folder" overlay $folder
done
mount -t tmpfs tmpfs /run
mount --bind "$2" /mnt
rm -rf /etc/firewalld /etc/ufw
mkdir -p /etc/firewalld/services /etc/ufw/applications.d
echo ready
while sleep 1; do :; done
"""


class Machine:
    """Runs commands inside; `directory` has what the stubs know."""

    def __init__(self, pid: int, directory: Path) -> None:
        self._enter = ["nsenter", "--mount", "--pid", f"--target={pid}"]
        self.directory = directory
        self._programs = directory / "bin"
        self._programs.mkdir()
        for program in ("systemctl", "journalctl", *FIREWALLS):
            wrapper = self._programs / program
            wrapper.write_text(f'#!/bin/sh\nexec {sys.executable} {stub.__file__} {directory} {program} "$@"\n')
            wrapper.chmod(0o755)

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        path = f"{self._programs}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            [*self._enter, *(str(word) for word in command)],
            capture_output=True, text=True, check=False, timeout=300, env=os.environ | {"PATH": path},
        )  # fmt: skip

    def calls(self) -> list[str]:
        """Return the calls of the stubs since the last time, in order."""
        file = self.directory / "calls"
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return lines

    def rules(self) -> list[str]:
        """Return the services that are enabled and the ports that are open."""
        return sorted(path.name for path in self.directory.glob("*.*") if path.suffix not in (".pid", ".log"))

    def without_firewalls(self) -> None:
        for program in FIREWALLS:
            (self._programs / program).unlink()

    def tree(self) -> list[str]:
        """Return paths and modes of all that an installation could have changed."""
        found = self.run("find", *FOLDERS, "-not", "-name", "__pycache__", "-printf", r"%p %m\n").stdout
        return sorted(found.splitlines())


@contextmanager
def machine(directory: Path) -> Iterator[Machine]:
    """Give a machine; skips the test where namespaces may not be made."""
    disk, log, state = directory / "disk", directory / "log", directory / "stubs"
    disk.mkdir()
    state.mkdir()
    inside: Sequence[str | Path] = [
        require("unshare"), "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", _BEGIN, "sh",
        disk, sys.base_prefix,
    ]  # fmt: skip
    with Process(inside, log) as process:
        wait_for(lambda: process.output() or not process.running, "the namespaces", 10)
        if "ready" not in process.output():
            pytest.skip(f"no namespaces here: {process.output().strip()}")
        (first,) = psutil.Process(process.pid).children()
        yield Machine(first.pid, state)
    shutil.rmtree(disk, ignore_errors=True)
