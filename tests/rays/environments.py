"""Virtual environments with one Ray each, outside the checkout; this project is installed anew at each run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from testkit.paths import ROOT

VERSIONS: Final = Path(__file__).with_name("versions.txt")
_SHIPPED: Final = ("castray_bridge", "deploy", "exporter", "grafana", "notify", "prometheus", "servicekit")
"""What a wheel is built from; packages that are not there are left out."""


class RayVersion(NamedTuple):
    """One line of `versions.txt`."""

    ray: str
    python: str
    pins: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"ray-{self.ray}-python-{self.python}"

    @property
    def has_tokens(self) -> bool:
        """Whether a cluster of this Ray can demand a token."""
        return tuple(map(int, self.ray.split(".")[:2])) >= (2, 52)

    @property
    def directory(self) -> Path:
        """Where the environment stands: below CMZSB_RAYS_DIR, or in the user's cache."""
        cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(os.environ.get("CMZSB_RAYS_DIR") or Path(cache, "cmzsb-rays")) / self.name

    def program(self, name: str) -> Path:
        """Return the path of an installed command."""
        return self.directory / "bin" / name


def versions() -> Iterator[RayVersion]:
    """Yield the versions of `versions.txt`; CMZSB_RAYS_ONLY names some of them, comma-separated."""
    only = {name for name in os.environ.get("CMZSB_RAYS_ONLY", "").split(",") if name}
    for line in VERSIONS.read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            ray, python, *pins = line.split()
            if not only or ray in only:
                yield RayVersion(ray, python, tuple(pins))


def prepare(version: RayVersion) -> None:
    """Make the environment if it is not complete, and install this checkout as the docs say: `pip install .`."""
    complete = version.directory / ".complete"
    wanted = " ".join([f"ray[default]=={version.ray}", *version.pins])
    if not complete.exists() or complete.read_text("utf-8") != wanted:
        if not version.program("python").exists():
            _run(_interpreter(version.python), "-m", "venv", version.directory)
        _pip(version, *wanted.split())
        complete.write_text(wanted, "utf-8")
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "source")
        _copy_source(source)
        _pip(version, source)
        _pip(version, "--force-reinstall", "--no-deps", source)  # also when the version is the same as before


def _copy_source(target: Path) -> None:
    target.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, target)
    for name in _SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))


def _interpreter(version: str) -> Path:
    """Return a Python of a minor version: of PATH, else of pyenv."""
    found = shutil.which(f"python{version}")
    candidates = [Path(found)] if found and _works(Path(found)) else []
    candidates += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    if not candidates:
        raise SystemExit(
            f"Python {version} is missing: put python{version} on PATH, or leave its Ray out of {VERSIONS.name}"
        )
    return candidates[0]


def _works(python: Path) -> bool:
    """Return whether `python` starts: a shim of pyenv may stand for a version that is not chosen."""
    return subprocess.run([python, "-c", ""], capture_output=True, check=False).returncode == 0


def _pip(version: RayVersion, *what: str | Path) -> None:
    _run(version.program("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what)


def _run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True)
