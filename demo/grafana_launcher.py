"""The ways to run Grafana: a program of this machine, or an image in a container engine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import yaml

from servicekit.errors import StartError
from testkit.paths import ROOT
from testkit.process import Process

COMPOSE: Final = ROOT / "containers" / "compose.yaml"
_ENGINES: Final = ("docker", "podman")
_PROGRAMS: Final = ("grafana", "grafana-server")
"""From Grafana 9.4 on the first, which wants the word `server`; before, the second."""
_DEFAULTS: Final = "conf/defaults.ini"
"""What Grafana's home directory is known by."""


class Launcher(Protocol):
    """A way to run Grafana."""

    @property
    def start_seconds(self) -> float:
        """Seconds that its start may take."""

    def start(self, directory: Path, settings: Mapping[str, str]) -> Process:
        """Start Grafana with `settings` as environment variables; it reads the files below `directory`."""

    def remove(self) -> None:
        """Remove what the end of the process leaves."""


@dataclass(frozen=True)
class Installed:
    """Grafana as a program of this machine, with its home directory; its data are beside the files it reads."""

    program: Path
    home: Path
    start_seconds: float = 90

    def start(self, directory: Path, settings: Mapping[str, str]) -> Process:
        """Start the program with no configuration file but an empty one: its home directory may have another."""
        data = directory / "data"
        paths = {"GF_PATHS_DATA": data, "GF_PATHS_LOGS": data / "log", "GF_PATHS_PLUGINS": data / "plugins"}
        paths["GF_PATHS_PLUGINS"].mkdir(parents=True)  # else Grafana logs an error
        config = directory / "empty.ini"
        config.touch()
        server = ["server"] if self.program.name == _PROGRAMS[0] else []
        command: list[str | Path] = [self.program, *server, f"--homepath={self.home}", f"--config={config}"]
        return Process(command, log_of(directory), {**settings, **{key: str(path) for key, path in paths.items()}})

    def remove(self) -> None:
        """Remove nothing: the directory belongs to the caller."""


@dataclass(frozen=True)
class Container:
    """Grafana's image in a container of the engine `engine`; its data are inside."""

    engine: str
    image: str
    name: str
    start_seconds: float = 600
    """The first time the image is fetched."""

    def start(self, directory: Path, settings: Mapping[str, str]) -> Process:
        """Run the container on the network of this machine, because Prometheus listens on its loopback address."""
        for path in (directory, *directory.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)  # the image's user is none of this machine
        variables = [word for key, value in settings.items() for word in ("--env", f"{key}={value}")]
        # With `z` a container may read it under SELinux; other systems ignore it.
        volume = f"{directory}:{directory}:ro,z"
        command = [self.engine, "run", "--rm", "--name", self.name, "--network", "host", "--volume", volume]
        return Process([*command, *variables, self.image], log_of(directory))

    def remove(self) -> None:
        """Remove the container, which is a child of the engine and not of the command."""
        subprocess.run([self.engine, "rm", "--force", self.name], capture_output=True, check=False, timeout=60)


def log_of(directory: Path) -> Path:
    """Return where the output of the Grafana that reads `directory` goes."""
    return directory.with_suffix(".log")


def find(environment: Mapping[str, str] = os.environ) -> Launcher | None:
    """Return the first way to run Grafana, None where there is none. Raises `StartError` for a wrong GRAFANA_HOME."""
    home, path = environment.get("GRAFANA_HOME"), environment.get("PATH", "")
    if home:
        installed = _in_home(Path(home))
        if installed is None:
            raise StartError(f"GRAFANA_HOME={home}: no {_DEFAULTS} or no bin/grafana in it")
        return installed
    return _on_path(path) or _in_engine(path)


def image() -> str:
    """Return the name and version of Grafana's image, which stand in `containers/compose.yaml`."""
    return str(yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]["grafana"]["image"])


def _in_home(home: Path) -> Installed | None:
    programs = (home / "bin" / name for name in _PROGRAMS)
    program = next((path for path in programs if os.access(path, os.X_OK)), None)
    return Installed(program, home) if program and (home / _DEFAULTS).is_file() else None


def _on_path(path: str) -> Installed | None:
    for name in _PROGRAMS:
        found = shutil.which(name, path=path)
        if not found:
            continue
        program = Path(found).resolve()
        prefix = program.parents[1]
        # In the archive the program is in the home directory; Homebrew and packages have it in share/.
        homes = (prefix, prefix / "share/grafana", Path("/usr/share/grafana"))
        home = next((home for home in homes if (home / _DEFAULTS).is_file()), None)
        if home:
            # What packages put on PATH is a script that sets paths of its own.
            return _in_home(home) or Installed(program, home)
    return None


def _in_engine(path: str) -> Container | None:
    engines = (shutil.which(name, path=path) for name in _ENGINES)
    engine = next((found for found in engines if found and _answers(found)), None)
    return Container(engine, image(), f"cmzsb-demo-{os.getpid()}") if engine else None


def _answers(engine: str) -> bool:
    try:
        return subprocess.run([engine, "info"], capture_output=True, check=False, timeout=10).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False
