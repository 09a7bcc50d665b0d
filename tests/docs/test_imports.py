"""Who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("servicekit", "exporter", "castray_bridge", "grafana", "deploy", "demo", "bench")
ALLOWED = {
    "servicekit": (),
    "exporter": ("servicekit",),
    "castray_bridge": ("servicekit", "exporter.states"),
    "grafana": ("servicekit", "exporter.states"),
    # It starts monitors, names nodes as the bridge does, and asks them with the bridge's own question.
    "deploy": (
        "servicekit",
        "exporter.states",
        "servicekit.node_names",
        "servicekit.probe",
        "servicekit.http_reply",
    ),
}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("package", ALLOWED)
def test_package_imports_only_what_it_may(package: str) -> None:
    wrong = [
        f"{path.name}: {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] in PACKAGES and name.split(".")[0] != package and not name.startswith(ALLOWED[package])
    ]
    assert not wrong


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_have_no_cycles(package: str) -> None:
    """Modules can be put into an order in which each imports only earlier ones."""
    modules = {
        f"{package}.{path.stem}": set(imports(path)) | _submodules(path, package)
        for path in (ROOT / package).glob("*.py")
        if path.stem != "__init__"
    }
    left = {name: {used for used in uses if used in modules} for name, uses in modules.items()}
    while ready := [name for name, uses in left.items() if not uses & left.keys()]:
        for name in ready:
            del left[name]
    assert not left


def _submodules(path: Path, package: str) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {
        f"{package}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == package
        for alias in node.names
    }
