"""`make test-rays`: bridge and `cmzsb-deploy` on real clusters of each Ray in `versions.txt`. Ten minutes or more."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.rays.environments import prepare, versions


def main() -> int:
    """Prepare the environments, then run the tests on each."""
    for version in versions():
        print(f"preparing {version.name}", flush=True)
        prepare(version)
    # Not called test_…, so that `make test` leaves it out.
    return pytest.main([str(Path(__file__).with_name("on_each_version.py")), "-v", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
