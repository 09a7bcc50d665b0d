"""Failed tests run once more alone: what passes then is named, what fails again fails the run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from testkit.paths import ROOT
from testkit.second_run import MOST

FAILS_ONCE = """
from pathlib import Path

def test_good():
    with open("good-runs", "a") as runs:
        runs.write("x")

def test_sensitive():
    seen = Path("seen")
    if not seen.exists():
        seen.touch()
        raise AssertionError("the first time")
"""


def second_run(directory: Path, code: str, *options: str) -> subprocess.CompletedProcess[str]:
    (directory / "test_it.py").write_text(code)
    command = [sys.executable, "-m", "testkit.second_run", *options]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=False, timeout=100
    )


def test_failure_that_does_not_come_again_is_named_and_forgiven(tmp_path: Path) -> None:
    done = second_run(tmp_path, FAILS_ONCE, "-p", "xdist", "--numprocesses", "2", "--dist", "loadfile")
    assert done.returncode == 0, done.stdout
    named = done.stdout.split("passed only alone")[1].splitlines()[1:]
    assert [line.strip() for line in named] == ["test_it.py::test_sensitive"]
    assert (tmp_path / "good-runs").read_text() == "x"


def test_failure_that_comes_again_fails_the_run(tmp_path: Path) -> None:
    done = second_run(tmp_path, "def test_bad():\n    assert 0\n\ndef test_good():\n    pass\n")
    assert done.returncode == 1
    assert "run once more" in done.stdout
    assert "passed only alone" not in done.stdout


def test_error_of_a_fixture_is_tried_again_too(tmp_path: Path) -> None:
    fixture = "import pytest\n@pytest.fixture\ndef broken():\n    raise OSError\ndef test_it(broken):\n    pass\n"
    done = second_run(tmp_path, fixture)
    assert done.returncode == 1
    assert done.stdout.count("1 error") >= 2


def test_many_failures_are_not_tried_again(tmp_path: Path) -> None:
    done = second_run(tmp_path, "\n".join(f"def test_{n}():\n    assert 0\n" for n in range(MOST + 1)))
    assert done.returncode == 1
    assert "no second run" in done.stdout
    assert "run once more" not in done.stdout


@pytest.mark.parametrize("code", ["def test_good():\n    pass\n", "x = (\n"], ids=["good", "broken"])
def test_run_without_failed_tests_is_left_as_it_is(tmp_path: Path, code: str) -> None:
    done = second_run(tmp_path, code)
    assert (done.returncode == 0) == ("good" in code)
    assert "run once more" not in done.stdout
