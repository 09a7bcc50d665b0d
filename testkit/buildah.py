"""Images built and run without a container engine: Debian's Buildah with chroot isolation, on a base by debootstrap.

It wants root. The base, which takes a minute, is kept in the user's cache; the images are in a directory of their own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil

from testkit.process import Process

SUITE: Final = "bookworm"
MIRROR: Final = "http://deb.debian.org/debian"
BASE: Final = "localhost/base"
_INCLUDED: Final = "ca-certificates,python3,python3-venv"
_OF_THIS_MACHINE: Final = ("/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
"""How this machine reaches a package index; for the base of a test only."""


def missing() -> str:
    """Return what is missing here for building images, "" where nothing is."""
    if os.getuid() != 0:
        return "building images without an engine wants root"
    programs = [program for program in ("buildah", "debootstrap") if not shutil.which(program)]
    return f"{', '.join(programs)} missing: apt-get install {' '.join(programs)}" if programs else ""


def base_system() -> Path:
    """Return the directory of a small Debian with Python, made at the first call."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cmzsb"
    made, new = cache / f"{SUITE}-python3", cache / f"{SUITE}-python3.new"
    if not made.exists():
        shutil.rmtree(new, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        command: list[str | Path] = ["debootstrap", "--variant=minbase", f"--include={_INCLUDED}", SUITE, new, MIRROR]
        subprocess.run(command, check=True, capture_output=True)
        new.rename(made)
    return made


class Buildah:
    """The images and containers in `directory`; `close` removes them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._command = ["buildah", "--root", str(directory / "storage"), "--runroot", str(directory / "run")]

    def close(self) -> None:
        """Remove containers and images, whose mounts would else stay."""
        self("rm", "--all")
        self("rmi", "--all", "--force")
        shutil.rmtree(self._directory, ignore_errors=True)

    def __call__(self, *arguments: str | Path) -> str:
        """Run Buildah and return its output. Raises AssertionError with what it wrote when it fails."""
        command = [*self._command, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout.strip()

    def make_base(self) -> None:
        """Make the image `BASE`."""
        container = self("from", "scratch")
        self("add", "--quiet", container, base_system(), "/")
        for path in _OF_THIS_MACHINE:
            if Path(path).exists():
                self("copy", "--quiet", container, Path(path).resolve(), path)
        self("commit", "--quiet", container, BASE)
        self("rm", container)

    def build(self, containerfile: Path, context: Path, target: str) -> None:
        """Build the image `target` of `containerfile` on `BASE`."""
        options = ["--isolation", "chroot", "--layers", "--format", "docker", "--build-arg", f"BASE={BASE}"]
        self("build", *options, "--file", containerfile, "--target", target, "--tag", target, context)

    def image(self, name: str) -> dict[str, Any]:
        """Return the configuration of the image `name`, as an engine reads it."""
        found: dict[str, Any] = json.loads(self("inspect", "--type", "image", f"localhost/{name}"))["Docker"]["config"]
        return found

    def run(self, image: str, *command: str) -> str:
        """Run `command` in a new container of `image` and return its output."""
        container = self("from", f"localhost/{image}")
        return self("run", "--isolation", "chroot", container, "--", *command)

    @contextmanager
    def service(
        self, image: str, log: Path, *, environment: Mapping[str, str], volumes: Sequence[str] = ()
    ) -> Iterator[Service]:
        """Run what an engine would run of `image`, on the network of this machine."""
        container = self("from", f"localhost/{image}")
        options = ["--isolation", "chroot"]
        options += [word for volume in volumes for word in ("--volume", volume)]
        options += [word for key, value in environment.items() for word in ("--env", f"{key}={value}")]
        entry = self.image(image)["Entrypoint"]
        with Process([*self._command, "run", *options, container, "--", *entry], log) as process:
            yield Service(process, entry[0])


class Service:
    """A service in a container: `engine` is the Buildah that runs it."""

    def __init__(self, engine: Process, program: str) -> None:
        self.engine = engine
        self._program = program

    def process(self) -> psutil.Process:
        """Return the first process of the service, which is the first inside of a container. Raises LookupError."""
        for child in psutil.Process(self.engine.pid).children(recursive=True):
            words = child.cmdline()
            if self._program in words and words[0] != "buildah-chroot-exec":
                return child
        raise LookupError(f"{self._program} does not run: {self.engine.output()}")
