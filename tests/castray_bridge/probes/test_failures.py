"""The table of failures: complete, light to import, and the only source of every reason."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from castray_bridge.probes.failures import BY_NAME, FAILURES, PROBE_RESULTS, row_name
from servicekit import probe

ROOT = Path(__file__).parents[3]
HEAVY = {"flask", "gunicorn", "prometheus_client", "requests", "werkzeug"}


def raised() -> Iterator[str]:
    """Yield the reasons that appear as literals in `ProbeError(…)` and `failed(…, reason)` of services and bridge."""
    for package in ("servicekit", "castray_bridge"):
        for path in (ROOT / package).rglob("*.py"):
            for call in ast.walk(ast.parse(path.read_text("utf-8"))):
                if not isinstance(call, ast.Call):
                    continue
                name = getattr(call.func, "attr", getattr(call.func, "id", ""))
                if name not in {"ProbeError", "failed", "_failed", "NodeStatus"}:
                    continue
                for value in [*call.args, *(word.value for word in call.keywords if word.arg == "error")]:
                    if isinstance(value, ast.JoinedStr):
                        value = value.values[0]
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield value.value


def test_every_reason_in_the_code_is_a_row() -> None:
    found = {row_name(reason) for reason in raised()} | set(probe._CONNECT_REASONS.values())
    assert found == set(BY_NAME)


def test_every_row_has_texts_and_advice_in_both_languages() -> None:
    for row in FAILURES:
        assert row.en.isascii()
        assert row.advice_en.isascii()
        for text in (row.zh, row.advice_zh):
            assert any("\u4e00" <= character <= "\u9fff" for character in text), row.name
    assert len(BY_NAME) == len(FAILURES)


def test_nodes_that_are_not_probed_have_no_probe_result() -> None:
    assert set(BY_NAME) - set(PROBE_RESULTS) == {"pending", "dead"}
    assert PROBE_RESULTS[0] == "ok"


@pytest.mark.parametrize(("error", "name"), [("http_503", "http_error"), ("timeout", "timeout"), ("new", "new")])
def test_status_of_http_belongs_to_one_row(error: str, name: str) -> None:
    assert row_name(error) == name


def test_table_is_imported_without_the_dependencies_of_the_bridge() -> None:
    code = "import sys, castray_bridge.probes.failures; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert not HEAVY & set(done.stdout.split())
