"""The board's Python: too old a one is told in one message, and wheels are collected for one that is elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.guide import as_root

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "systemd" / "install.sh"


def old_python(folder: Path, version: str) -> Path:
    """Make a program that is like an interpreter of `version`, as far as install.sh looks."""
    path = folder / "python"
    path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "Python {version}" && exit 0\nexit 1\n')
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("role", "needed"), [("--monitor", "3.9"), ("--bridge", "3.10")])
def test_older_python_is_one_message_that_names_a_way(tmp_path: Path, role: str, needed: str) -> None:
    python = old_python(tmp_path, "3.8.10")
    command = ["sh", SCRIPT, role, "--prefix", tmp_path / "root", "--python", python]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"Python {needed} or later is needed, found: {python} (Python 3.8.10)" in done.stderr
    assert "--python /usr/bin/python3.9" in done.stderr
    assert "uv python install" in done.stderr
    assert len(re.findall("^install.sh:", done.stderr, re.MULTILINE)) == 2  # English and Chinese
    assert not (tmp_path / "root").exists()


def test_path_in_the_guide_is_one_of_those_that_uv_makes(tmp_path: Path) -> None:
    """Newer versions of uv also link the minor version to the installation, so a pattern may name two folders."""
    (line,) = as_root("systemd/install.sh --monitor --node-name M5 --python /opt/python")
    installed = tmp_path / "cpython-3.11.9-linux-aarch64-gnu"
    (installed / "bin").mkdir(parents=True)
    (installed / "bin" / "python3.11").touch()
    (tmp_path / "cpython-3.11-linux-aarch64-gnu").symlink_to(installed)
    pattern = line.split()[-1].removeprefix("/opt/python/")
    assert list(tmp_path.glob(pattern)) == [installed / "bin" / "python3.11"]
    assert f"--python /opt/python/{pattern}" in (SCRIPT.parent / "install-python.sh").read_text("utf-8")


@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("wanted", "python", "processor"), [("cmzsb-monitor", "cp310", "aarch64"), ("[bridge]", "cp313", "x86_64")]
)
def test_wheels_for_another_processor_and_python_are_collected_as_the_guide_says(
    tmp_path: Path, wanted: str, python: str, processor: str
) -> None:
    folder, checkout = tmp_path / "collected", sources(tmp_path)
    (build,) = as_root("pip wheel")
    (download,) = (line for line in as_root("pip download") if line.rstrip("'").endswith(wanted))
    for line in (build, download):
        command = line.replace("pip ", f"{sys.executable} -m pip --quiet ", 1).replace("wheels", str(folder))
        subprocess.run(["sh", "-c", command], cwd=checkout, check=True, timeout=300)
    names = [path.name for path in folder.glob("*.whl")]
    assert [name for name in names if name.startswith("cmzsb_monitor-")]
    (compiled,) = (name for name in names if name.startswith("markupsafe-"))
    assert python in compiled
    assert all(processor in name or name.endswith("-none-any.whl") for name in names)


def sources(folder: Path) -> Path:
    """Copy the sources, because building leaves files beside them."""
    copy = folder / "sources"
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listed.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    return copy
