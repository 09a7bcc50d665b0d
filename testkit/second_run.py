"""`python -m testkit.second_run [OPTIONS]`: pytest with these options, and the tests that fail once more, alone.

The exit status is pytest's. A test that passes only alone is sensitive to load: it is named, and does not fail the run.
More than `MOST` failures are no matter of load, and are not tried again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

MOST: Final = 10
"""Most failed tests that are tried again."""
_FAILED: Final = Path(".pytest_cache/v/cache/lastfailed")
_TESTS_FAILED: Final = 1
"""pytest's exit status; any other one but 0 says that the run itself went wrong."""


def run(options: Sequence[str]) -> int:
    """Run the tests of the current directory; return the exit status."""
    pytest = [sys.executable, "-m", "pytest"]
    _FAILED.unlink(missing_ok=True)
    status = subprocess.run([*pytest, *options], check=False).returncode
    if status != _TESTS_FAILED:
        return status
    failed = list(json.loads(_FAILED.read_text("utf-8")))
    if len(failed) > MOST:
        print(f"\n{len(failed)} tests failed: no second run, which is for {MOST} at most", flush=True)
        return status
    _tell("run once more, one at a time", failed)
    status = subprocess.run([*pytest, "--last-failed"], check=False).returncode
    if status == 0:
        _tell("passed only alone, which is a fault of the test or of what it tests", failed)
    return status


def _tell(what: str, tests: Sequence[str]) -> None:
    print(f"\n==== {what}: ====", *tests, sep="\n  ", flush=True)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
