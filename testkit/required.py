"""Where the real servers are that tests run against."""

from __future__ import annotations

import os

import pytest

from testkit.binaries import advice, find

__all__ = ["find", "require"]


def require(program: str) -> str:
    """Return the path of `program`. Missing, it fails the test in CI and skips it on a laptop."""
    path = find(program)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail(advice(program))
        pytest.skip(advice(program))
    return path
