"""Which tests need servers, other programs or a browser: told from what their modules import."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from typing import Final

from testkit.paths import ROOT

_OUTSIDE: Final = frozenset(
    {
        "deploy.supervisor",
        "playwright",
        "psutil",
        "ray",
        "schemathesis",
        "subprocess",
        "testkit.process",
        "testkit.required",
        "testkit.web",
    }
)
"""Imported by modules that start something, or talk to something started."""


def needs_servers(test_file: Path) -> bool:
    """Return whether the tests in this file start other programs or serve on sockets."""
    return _reaches_outside(test_file)


@cache
def _reaches_outside(path: Path) -> bool:
    """Return whether the module imports one of `_OUTSIDE`, itself or through other modules of tests, demo and bench."""
    names = set(_imports(path))
    if any(name == outside or name.startswith(f"{outside}.") for name in names for outside in _OUTSIDE):
        return True
    found = (_file(name) for name in names if name.split(".")[0] in ("tests", "testkit", "demo", "bench"))
    return any(_reaches_outside(file) for file in found if file is not None and file != path)


def _imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.is_file()), None)
