"""The wheel, installed in fresh environments: without extras, and with each of them.

Building needs no network. What an environment needs beside the wheel is linked from the one that runs the tests, and
nothing else is: a module that imports a library of another extra fails here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from configparser import ConfigParser
from importlib.metadata import Distribution
from pathlib import Path
from typing import Final

import pytest

from servicekit.version import __version__
from testkit.paths import ROOT
from tests.packaging.test_dependencies import extras, installed
from tests.packaging.test_project import project

EXTRA_OF: Final = {
    "exporter": "",
    "servicekit": "",
    "castray_bridge": "bridge",
    "grafana": "grafana",
    "deploy": "ray",
    "notify": "notify",
}
"""What each package needs: an extra, or nothing beyond the base install."""
_PROJECT_FILES: Final = ("pyproject.toml", "README.md", "LICENSE")
EXTRAS: Final = sorted({*EXTRA_OF.values()})


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build it from a copy: setuptools leaves its own folders in the tree that it builds."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *EXTRA_OF, *_PROJECT_FILES]
    tracked = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for name in tracked:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", built, source]
    subprocess.run(command, capture_output=True, check=True)
    (found,) = built.glob("*.whl")
    return found


@pytest.fixture(scope="session")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return the function that gives the folder of the environment with an extra (`""`: none)."""
    made: dict[str, Path] = {}

    def give(extra: str) -> Path:
        if extra not in made:
            made[extra] = _environment(wheel, tmp_path_factory.mktemp(extra or "base"), extra)
        return made[extra]

    return give


def _environment(wheel: Path, folder: Path, extra: str) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(install, check=True, capture_output=True)
    (libraries,) = (folder / "lib").glob("python*/site-packages")
    requirements = project()["dependencies"] + (extras(extra) if extra else [])
    for distribution in installed(requirements).values():
        _link(distribution, libraries)
    return folder


def _link(distribution: Distribution, libraries: Path) -> None:
    for name in {Path(file).parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
        source, target = Path(str(distribution.locate_file(name))), libraries / name
        if source.exists() and not target.exists():
            target.symlink_to(source)


def modules(wheel: Path, extra: str) -> Iterator[str]:
    """Yield the modules in the wheel that an environment with `extra` must be able to import."""
    for name in zipfile.ZipFile(wheel).namelist():
        if name.endswith(".py") and EXTRA_OF[name.partition("/")[0]] in ("", extra):
            parts = name.removesuffix(".py").split("/")
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment where nothing but the installed wheel can be imported."""
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(folder / "bin" / command[0]), *command[1:]],
        cwd=folder,
        env=own,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("extra", EXTRAS)
def test_every_module_is_in_the_wheel_and_can_be_imported(
    extra: str, wheel: Path, environment: Callable[[str], Path]
) -> None:
    names = [name for name in modules(wheel, extra) if not name.endswith("__main__")]
    in_checkout = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for package, needed in EXTRA_OF.items()
        if needed in ("", extra)
        for path in (ROOT / package).rglob("*.py")
        if path.stem not in ("__init__", "__main__")
    }
    assert in_checkout <= set(names)
    done = run(environment(extra), "python", "-c", "".join(f"import {name}\n" for name in names))
    assert done.returncode == 0, done.stderr[-2000:]


def commands(wheel: Path) -> dict[str, str]:
    """Return the package of each command that the wheel installs."""
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("entry_points.txt"))
    parser = ConfigParser()
    parser.read_string(archive.read(name).decode())
    return {command: entry.partition(".")[0] for command, entry in parser["console_scripts"].items()}


def test_every_command_starts_with_its_extra(wheel: Path, environment: Callable[[str], Path]) -> None:
    found = commands(wheel)
    assert set(found) == set(project()["scripts"])
    for command, package in found.items():
        folder = environment(EXTRA_OF[package])
        shown = run(folder, command, "--help")
        assert shown.returncode == 0, shown.stderr
        assert f"Usage: {command}" in shown.stdout
        assert __version__ in run(folder, command, "--version").stdout


def test_command_without_its_extra_says_in_one_line_what_to_install(
    wheel: Path, environment: Callable[[str], Path]
) -> None:
    for command, package in commands(wheel).items():
        extra = EXTRA_OF[package]
        done = run(environment(""), command, "--version")
        if not extra:
            assert done.returncode == 0, done.stderr
            continue
        assert done.returncode == 1, command
        assert re.fullmatch(rf"{command}: \w+ is missing: .*pip install '\.\[{extra}\]'\n", done.stderr)


def test_files_that_the_pages_need_are_in_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    needed = {
        str(path.relative_to(ROOT))
        for package in EXTRA_OF
        for path in (ROOT / package).rglob("*")
        if path.parent.name == "static" or path.name == "py.typed"
    }
    assert needed <= names


def test_base_environment_holds_nothing_of_the_bridge(environment: Callable[[str], Path]) -> None:
    done = run(environment(""), "python", "-c", "import gunicorn")
    assert done.returncode == 1
