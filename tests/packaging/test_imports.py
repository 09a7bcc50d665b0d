"""Who may import whom: between packages, between the parts of a package, and in which order."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.paths import ROOT

PACKAGES = (
    "servicekit",
    "exporter",
    "castray_bridge",
    "grafana",
    "notify",
    "deploy",
    "containers",
    "testkit",
    "demo",
    "bench",
    "tests",
)
COMMANDS = set(re.findall(r'^\S+ = "([\w.]+):main"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE))
"""The modules that the installed commands run: entry points, like every `__main__`."""
ALLOWED: dict[str, tuple[str, ...]] = {
    "servicekit": (),
    "exporter": ("servicekit",),
    "castray_bridge": ("servicekit", "exporter.states"),
    "grafana": ("servicekit", "exporter.states", "castray_bridge.probes.failures"),
    "notify": ("servicekit",),
    "deploy": ("servicekit", "exporter.states"),
}
"""What each package may import beside itself."""
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "exporter.status": ("exporter.storage", "exporter.web", "exporter.metrics"),
    "exporter.storage": ("exporter.web", "exporter.metrics"),
    "castray_bridge.sources": ("castray_bridge.probes", "castray_bridge.snapshot", "castray_bridge.web"),
    "castray_bridge.probes": ("castray_bridge.snapshot", "castray_bridge.web"),
    "castray_bridge.snapshot": ("castray_bridge.web",),
}
"""What a part of a package must not import, because the data flow the other way."""


def modules(package: str) -> dict[str, Path]:
    """Return the modules of `package`, those of its parts included, by dotted name."""
    found = {}
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(path: Path) -> Iterator[str]:
    """Yield what the module at `path` imports: modules, and names that may be modules."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("package", ALLOWED)
def test_package_imports_only_what_it_may(package: str) -> None:
    allowed = (package, *ALLOWED[package])
    # `from exporter import states` names the package on the way to what is allowed.
    on_the_way = {name.rpartition(".")[0] for name in ALLOWED[package]}
    wrong = [
        f"{module}: {name}"
        for module, path in modules(package).items()
        for name in imports(path)
        if name.split(".")[0] in PACKAGES and not is_within(name, allowed) and name not in on_the_way
    ]
    assert not wrong


@pytest.mark.parametrize("part", FORBIDDEN)
def test_part_of_a_package_imports_nothing_that_comes_after_it(part: str) -> None:
    own = modules(part.replace(".", "/"))
    assert own, f"{part} has no modules"
    wrong = [
        f"{module}: {name}"
        for module, path in own.items()
        for name in imports(path)
        if is_within(name, FORBIDDEN[part])
    ]
    assert not wrong


@pytest.mark.parametrize("package", [*ALLOWED, "testkit"])
def test_modules_have_no_cycles(package: str) -> None:
    """Modules can be put into an order in which each imports only earlier ones."""
    known = {name: path for name, path in modules(package).items() if path.stem != "__init__"}
    left = {name: {used for used in imports(path) if used in known} for name, path in known.items()}
    assert len(left) > 1
    while ready := [name for name, uses in left.items() if not uses & left.keys()]:
        for name in ready:
            del left[name]
    assert not left


@pytest.mark.parametrize("package", ["castray_bridge", "exporter"])
def test_parts_of_a_package_have_no_cycles(package: str) -> None:
    """The same for the folders: what lies in a package's root counts as a part of its own for each module."""
    known = {name: path for name, path in modules(package).items() if path.stem != "__init__"}
    uses: dict[str, set[str]] = {}
    for name, path in known.items():
        uses.setdefault(_part(name), set()).update(_part(used) for used in imports(path) if used in known)
    left = {part: used - {part} for part, used in uses.items()}
    while ready := [part for part, used in left.items() if not used & left.keys()]:
        for part in ready:
            del left[part]
    assert not left


def _part(module: str) -> str:
    return ".".join(module.split(".")[:2])


@pytest.mark.parametrize("package", ["containers", "testkit", "demo", "bench"])
def test_nothing_but_tests_imports_tests(package: str) -> None:
    wrong = [
        f"{module}: {name}"
        for module, path in modules(package).items()
        for name in imports(path)
        if name.split(".")[0] == "tests"
    ]
    assert not wrong


def test_only_an_entry_point_imports_an_entry_point() -> None:
    wrong = [
        f"{module}: {name}"
        for package in ALLOWED
        for module, path in modules(package).items()
        if module not in COMMANDS
        for name in imports(path)
        if name.endswith(".__main__") and name.split(".")[0] in PACKAGES
    ]
    assert not wrong
