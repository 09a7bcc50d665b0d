"""The tree of tests mirrors the code: each module with logic has a test file of its name at its place."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from testkit.paths import ROOT
from tests.packaging.test_wheel import EXTRA_OF

EXEMPT = {
    "castray_bridge/web/server.py": "tests/castray_bridge/test_main.py",
    "castray_bridge/web/wall.py": "tests/castray_bridge/web/test_wall_page.py",
    "exporter/report_fields.py": "tests/exporter/test_report.py",
    "grafana/alerts.py": "tests/grafana/test_shown_tables.py",
    "grafana/datasource.py": "tests/grafana/test_provisioning.py",
    "grafana/fleet_queries.py": "tests/grafana/test_queries.py",
    "grafana/health.py": "tests/grafana/test_dashboards.py",
    "grafana/health_queries.py": "tests/grafana/test_queries.py",
    "grafana/node_queries.py": "tests/grafana/test_queries.py",
    "grafana/silent.py": "tests/grafana/test_shown_tables.py",
    "notify/channel.py": "tests/notify/test_dispatcher.py",
    "notify/metrics.py": "tests/notify/test_api.py",
    "notify/server.py": "tests/notify/test_main.py",
    "notify/trial.py": "tests/notify/test_main.py",
}
"""Modules that are tested with the one that they are a part of, and where."""


def has_logic(path: Path) -> bool:
    """Return whether a module has a function that does something: not only tables, protocols and records."""
    functions = (
        node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.FunctionDef | ast.Lambda)
    )
    return any(isinstance(function, ast.Lambda) or any(map(_does, function.body)) for function in functions)


def _does(statement: ast.stmt) -> bool:
    return not (
        isinstance(statement, ast.Pass)
        or (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant))
    )


def place_of_tests(module: Path) -> Path:
    """Return where the tests of `module` stand, both below the checkout."""
    name = "main" if module.stem == "__main__" else module.stem
    return Path("tests") / module.parent / f"test_{name}.py"


def untested(package: str) -> set[str]:
    modules = (path.relative_to(ROOT) for path in (ROOT / package).rglob("*.py") if path.name != "__init__.py")
    return {str(path) for path in modules if has_logic(ROOT / path) and not (ROOT / place_of_tests(path)).exists()}


@pytest.mark.parametrize("package", sorted(EXTRA_OF))
def test_every_module_with_logic_has_its_test_file(package: str) -> None:
    assert untested(package) - EXEMPT.keys() == set()


def test_every_exemption_is_needed() -> None:
    assert EXEMPT.keys() <= {name for package in EXTRA_OF for name in untested(package)}
    assert [place for place in EXEMPT.values() if not (ROOT / place).is_file()] == []


@pytest.mark.parametrize(
    ("text", "logic"),
    [
        ("A = 1\nclass B:\n    c: int\n", False),
        ('class P:\n    def f(self) -> int:\n        """Say."""\n', False),
        ("class P:\n    def f(self) -> int: ...\n", False),
        ("def f():\n    return 1\n", True),
        ("A = lambda: 1\n", True),
        ("class B:\n    def f(self):\n        self.a = 1\n", True),
    ],
)
def test_tables_records_and_protocols_are_no_logic(text: str, logic: bool, tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(text)
    assert has_logic(module) is logic
