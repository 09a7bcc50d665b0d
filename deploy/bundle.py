"""The directory that Ray copies to the nodes: the node's side of this project, and the libraries of the monitor.

The libraries are copied from this installation instead of being installed by pip, because the nodes may not reach a
package index, and pip would build a virtual environment on every node. All are pure Python: compiled speed-ups are
left out, because a board of another architecture cannot load them. They lie in a directory of their own that only the
monitor's process sees, so that Ray's workers keep the libraries with which Ray was installed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement

from deploy.settings import LIBRARIES
from servicekit.errors import StartError

_PACKAGES: Final = ("deploy", "exporter", "servicekit")
_OPERATOR_ONLY: Final = frozenset(
    f"deploy/{name}.py" for name in ("__main__", "bundle", "cluster", "connection", "follow", "port_check", "text")
)
"""Modules of the command, which no actor imports."""
_DISTRIBUTION: Final = "cmzsb-monitor"
_COMPILED: Final = {".so", ".pyd"}


def build(directory: Path) -> str:
    """Fill the empty `directory` and return a digest (hex) of its contents. Raises `StartError`."""
    digest = hashlib.sha256()
    for target, content in sorted([*_own_files(), *_library_files()]):
        path = directory / target
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest.update(f"{target}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _own_files() -> Iterator[tuple[str, bytes]]:
    for package in _PACKAGES:
        root = _folder(package)
        for path in root.rglob("*"):
            target = f"{package}/{path.relative_to(root).as_posix()}"
            if path.is_file() and "__pycache__" not in path.parts and target not in _OPERATOR_ONLY:
                yield target, path.read_bytes()


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StartError(f"the package {package} is missing: install cmzsb-monitor again")
    return Path(spec.submodule_search_locations[0])


def _library_files() -> Iterator[tuple[str, bytes]]:
    for name in sorted(_required() - {_DISTRIBUTION}):
        files = distribution(name).files
        if not files:
            raise StartError(f"{name} has no list of its files: install it with pip")
        for file in files:
            if ".." not in file.parts and "__pycache__" not in file.parts and file.suffix not in _COMPILED:
                yield f"{LIBRARIES}/{file.as_posix()}", Path(str(file.locate())).read_bytes()


def _required() -> set[str]:
    """Return the names of the distributions that the monitor requires, directly and indirectly."""
    found: set[str] = set()
    pending = [_DISTRIBUTION]
    while pending:
        name = pending.pop()
        if name in found:
            continue
        found.add(name)
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            raise StartError(f"{name} is missing: in the checkout, pip install .") from None
        needed = [Requirement(line) for line in lines]
        pending += [one.name.lower() for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found
