"""What needs a later Python than the nodes have says so in one line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("package", "command"), [("castray_bridge", "castray-bridge"), ("grafana", "cmzsb-dashboards")]
)
def test_older_python_is_told_in_one_line(package: str, command: str) -> None:
    code = f"import sys; sys.version_info, sys.version = (3, 9, 5), '3.9.5 (default)'; import {package}.__main__"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert done.stderr == f"{command} needs Python 3.10 or later; this is 3.9.5 ({sys.executable})\n"
