"""The booted systemd with both services installed, and the packages that they are installed from."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.small_disk import MountedDisk, mounted
from tests.systemd.lab.container import Container, boot

ROOT = Path(__file__).parents[3]
LAB = os.environ.get("CMZSB_SYSTEMD_LAB", "")
"""Where `make systemd-lab` keeps the root folders."""
SUITES = [
    suite for suite in os.environ.get("SUITES", "bookworm").split() if LAB and (Path(LAB) / suite / "ready").exists()
]
PYTHONS = {"bookworm": "3.11", "trixie": "3.13", "jammy": "3.10"}
NEWER = "99.0.0"
INSTALL = "/packages/sources/systemd/install.sh"
UNITS = ("cm-zsb-monitor", "castray-bridge")
PUT = (
    *(f"/etc/default/{unit}" for unit in UNITS), *(f"/etc/systemd/system/{unit}.service" for unit in UNITS),
    "/etc/firewalld/services", "/etc/ufw/applications.d", "/opt/cmzsb/*.cksum", "/opt/cmzsb/*.runs",
)  # fmt: skip
"""What install.sh puts besides the package."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a booted systemd unless `make systemd-lab` asks for it."""
    reason = "" if SUITES else "boots a real systemd as root: make systemd-lab"
    if SUITES and os.geteuid():
        reason = "only root may boot a systemd"
    for item in items:
        if reason and Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.skip(reason=reason))


def copy_of_sources(to: Path) -> Path:
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes((ROOT / name).read_bytes())
            (to / name).chmod((ROOT / name).stat().st_mode)
    return to


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels for each suite's Python in folders of its name, and in `…-newer` the same with a newer version of ours.

    For a Python that may be another than this one, as docs/operations.md says.
    """
    directory = tmp_path_factory.mktemp("packages")
    sources = copy_of_sources(directory / "sources")
    for version in (None, NEWER):
        if version:
            file = sources / "servicekit" / "version.py"
            file.write_text(re.sub(r'"[\d.]+"', f'"{version}"', file.read_text("utf-8")), "utf-8")
        ours = directory / f"ours-{version}"
        pip("wheel", "--no-deps", "--wheel-dir", ours, sources)
        for suite in SUITES:
            to = directory / (f"{suite}-newer" if version else suite)
            known = directory / suite if version else ours
            pip(
                "download", "--dest", to, "--only-binary=:all:",
                "--platform", "manylinux2014_x86_64", "--platform", "manylinux_2_28_x86_64",
                "--python-version", PYTHONS[suite], "--find-links", ours, "--find-links", known,
                "cmzsb-monitor[bridge,notify]" + (f"=={version}" if version else ""),
            )  # fmt: skip
    return directory


def pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=300)


@pytest.fixture(scope="session")
def small_disk() -> Iterator[MountedDisk]:
    """A disk of its own with blocks of 1 KiB."""
    with mounted(1024) as disk:
        if disk is None:
            pytest.skip("no disk may be mounted here")
        yield disk


class Site(Container):
    """The container with install.sh and the wheels in it."""

    def __init__(self, leader: int, suite: str, small_disk: MountedDisk) -> None:
        super().__init__(leader)
        self.small_disk = small_disk
        self._suite = suite

    def install(self, *options: str, newer: bool = False) -> subprocess.CompletedProcess[str]:
        """Run install.sh as a user would; returns also when it fails."""
        wheels = f"/packages/{self._suite}-newer" if newer else f"/packages/{self._suite}"
        return self.run("sh", INSTALL, *options, "--wheels", wheels, check=False, seconds=600)

    def install_both(self) -> None:
        """Install both services as an operator would, and keep what was put for `reset`."""
        self.run("hostname", "lab")
        done = self.install("--monitor", "--node-name", "M5", "--bridge", "--ray-dashboard", "http://127.0.0.1:8265")
        assert done.returncode == 0, done.stdout + done.stderr
        self.shell(f"mkdir /pristine && cd / && cp -a --parents {' '.join(PUT)} /pristine")

    def reset(self) -> None:
        """Let both services run as they were installed, without a journal and log lines of former tests."""
        self.shell(f"systemctl stop {' '.join(UNITS)}; rm -rf {' '.join(PUT)} /etc/systemd/system/*.service.d")
        self.shell("cp -a /pristine/. / && systemctl daemon-reload")
        for unit in UNITS:
            self.shell(f"rm -rf /var/lib/private/{unit}; systemctl reset-failed {unit}; systemctl enable {unit}")
        self.shell("journalctl --rotate --quiet; journalctl --vacuum-time=1s --quiet")
        self.shell(f"systemctl start {' '.join(UNITS)}")


@pytest.fixture(scope="session", params=SUITES or [None])
def booted(
    request: pytest.FixtureRequest, packages: Path, small_disk: MountedDisk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    log = tmp_path_factory.mktemp("boot") / "log"
    binds = (f"{packages}:/packages", f"{small_disk.path}:/small")
    with boot(Path(LAB) / request.param / "root", log, *binds) as container:
        site = Site(container.leader, request.param, small_disk)
        site.install_both()
        yield site


@pytest.fixture
def site(booted: Site) -> Site:
    booted.reset()
    return booted
