"""Programs of Debian's packages that the demo, the benchmarks and the tests run."""

from __future__ import annotations

import os
import shutil
from typing import Final

PACKAGES: Final = {
    "alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "chromium": "chromium",
    "curl": "curl",
    "docker-compose": "docker-compose",
    "ip": "iproute2",
    "nginx": "nginx-light",
    "openssl": "openssl",
    "prometheus": "prometheus",
    "prometheus-node-exporter": "prometheus-node-exporter",
    "promtool": "prometheus",
    "shellcheck": "shellcheck",
    "systemd-analyze": "systemd",
    "unshare": "util-linux",
    "wrk": "wrk",
}
"""Debian's package for each program."""

_NAMES: Final = {"alertmanager": ("prometheus-alertmanager", "alertmanager")}


def find(program: str) -> str | None:
    """Return the path of `program`, or None; Debian's own name for it is tried first."""
    candidates = (shutil.which(name) for name in _NAMES.get(program, (program,)))
    return next((path for path in candidates if path), None)


def advice(program: str) -> str:
    """Return the line that tells how to get a missing `program`."""
    return f"{program} is missing: apt-get install {PACKAGES.get(program, program)}"


def require(program: str) -> str:
    """Return the path of `program` for a test. If it is missing, the test fails in CI and is skipped elsewhere."""
    import pytest  # here, because the demo and the benchmarks run without it

    path = find(program)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(advice(program))
        pytest.skip(advice(program))
    return path
