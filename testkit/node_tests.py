"""`python -m testkit.node_tests [VERSION …]`: the tests of the node's side under every Python that is here.

Each version has an environment of its own with the base install, below `.cache/pythons`. A version that this machine
lacks is skipped, which a line says. Exit status 1 when a test fails anywhere.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final

from testkit.pythons import Version, interpreters

OLDEST: Final = (3, 9)
NEWEST: Final = (3, 13)
TOOLS: Final = ("pytest", "pytest-timeout", "hypothesis", "psutil", "requests")
TESTS: Final = ("tests/exporter", "tests/servicekit", "tests/faults/test_reporter.py")
NOT_THERE: Final = ("tests/exporter/web/test_page.py",)
"""Tests that need a browser; they run under the head's Python."""
_ROOT: Final = Path(__file__).parent.parent
_CACHE: Final = _ROOT / ".cache" / "pythons"


def environment(version: Version, interpreter: str) -> Path:
    """Return the Python of an environment with the base install as `pyproject.toml` has it now."""
    folder = _CACHE / "{}.{}".format(*version)
    python, mark = folder / "bin" / "python", folder / "installed"
    wanted = (_ROOT / "pyproject.toml").read_text("utf-8")
    if not mark.exists() or mark.read_text("utf-8") != wanted:
        subprocess.run([interpreter, "-m", "venv", "--clear", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, str(_ROOT), *TOOLS], check=True)
        mark.write_text(wanted, "utf-8")
    return python


def run_tests(python: Path) -> bool:
    """Run the node's tests; return whether all passed."""
    # tests/conftest.py is left out, because it needs the browser.
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "--confcutdir=tests/exporter",
        *(f"--ignore={name}" for name in NOT_THERE),
    ]
    return subprocess.run([str(python), "-m", "pytest", *options, *TESTS], cwd=_ROOT, check=False).returncode == 0


def main(names: list[str]) -> int:
    """Test under the versions called `names`, or all; return the exit status."""
    found = interpreters(OLDEST, NEWEST)
    results = {}
    for minor in range(OLDEST[1], NEWEST[1] + 1):
        name = f"3.{minor}"
        if names and name not in names:
            continue
        interpreter = found.get((3, minor))
        if interpreter is None:
            results[name] = "skipped: not on this machine"
            continue
        print(f"== Python {name}: {interpreter}", flush=True)
        results[name] = "passed" if run_tests(environment((3, minor), interpreter)) else "FAILED"
    print("\n".join(f"Python {name}: {result}" for name, result in results.items()))
    return 1 if "FAILED" in results.values() or not results else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
