"""Where the real servers are that tests run against."""

from __future__ import annotations

import os
import shutil

import pytest

PACKAGES = {
    "alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
    "chromium": "chromium",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "systemd-analyze": "systemd",
}
"""Debian's package for each program."""

_NAMES = {"alertmanager": ("prometheus-alertmanager", "alertmanager")}


def find(program: str) -> str | None:
    """Return the path of `program`, or None; Debian's own name for it is tried first."""
    candidates = (shutil.which(name) for name in _NAMES.get(program, (program,)))
    return next((path for path in candidates if path), None)


def require(program: str) -> str:
    """Return the path of `program`. Missing, it fails the test in CI and skips it on a laptop."""
    path = find(program)
    if path is None:
        advice = f"{program} is missing: apt-get install {PACKAGES.get(program, program)}"
        if os.environ.get("CI"):
            pytest.fail(advice)
        pytest.skip(advice)
    return path
