"""A status service in memory."""

from __future__ import annotations

import pytest

from testkit.status_kit import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
