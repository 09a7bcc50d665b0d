"""The Python interpreters of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

Version = tuple[int, int]


def interpreters(oldest: Version, newest: Version) -> dict[Version, str]:
    """Return the path of an interpreter of each version from `oldest` to `newest`: one of pyenv's, or on PATH."""
    found = {}
    for minor in range(oldest[1], newest[1] + 1):
        version = (oldest[0], minor)
        path = next((path for path in _candidates(version) if _is_python(path, version)), None)
        if path is not None:
            found[version] = path
    return found


def _candidates(version: Version) -> list[str]:
    number = "{}.{}".format(*version)
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    of_pyenv = [str(path / "bin" / f"python{number}") for path in sorted(root.glob(f"{number}.*"), reverse=True)]
    on_path = shutil.which(f"python{number}")
    return [*of_pyenv, on_path] if on_path else of_pyenv


def _is_python(path: str, version: Version) -> bool:
    """Return whether `path` runs as `version`; a shim of pyenv does not while its version is inactive."""
    code = "import sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run([path, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    except OSError:
        return False
    return done.stdout.decode().split() == [str(part) for part in version]
