"""The directory that Ray carries to the nodes: the monitor, and what it needs beyond Python.

The libraries are copied from this installation instead of being named to pip, because the nodes need not reach a
package index, and pip would build a virtual environment on every one of them. All are pure Python: compiled
speed-ups, which a board of another architecture could not load, stay behind. They lie in a directory of their own
that only the monitor's process sees, so that Ray's workers keep the libraries that Ray was installed with.
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

_WHOLE: Final = ("deploy", "exporter", "servicekit")
_PARTS: Final = {"castray_bridge": ("names.py", "probe.py", "http_reply.py")}
"""What the keeper uses of the bridge; the bridge's own `__init__` would ask for all of its libraries."""
_REQUIRED: Final = ("click", "flask", "prometheus-client", "waitress")
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
    for package in _WHOLE:
        root = _folder(package)
        for path in root.rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield f"{package}/{path.relative_to(root).as_posix()}", path.read_bytes()
    for package, modules in _PARTS.items():
        yield f"{package}/__init__.py", b""
        for module in modules:
            yield f"{package}/{module}", (_folder(package) / module).read_bytes()


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise StartError(f"the package {package} is missing: install cmzsb-monitor again")
    return Path(spec.submodule_search_locations[0])


def _library_files() -> Iterator[tuple[str, bytes]]:
    for name in sorted(_with_requirements()):
        files = distribution(name).files
        if not files:
            raise StartError(f"{name} has no list of its files: install it with pip")
        for file in files:
            if ".." not in file.parts and "__pycache__" not in file.parts and file.suffix not in _COMPILED:
                yield f"{LIBRARIES}/{file.as_posix()}", Path(str(file.locate())).read_bytes()


def _with_requirements() -> set[str]:
    """Return the names of the distributions that the monitor needs, and that those need."""
    found: set[str] = set()
    waiting = list(_REQUIRED)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            lines = distribution(name).requires or []
        except PackageNotFoundError:
            raise StartError(f"{name} is missing: in the checkout, pip install '.[ray]'") from None
        needed = [Requirement(line) for line in lines]
        waiting += [one.name.lower() for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})]
    return found
