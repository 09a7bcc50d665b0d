"""Fixtures of the bridge's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from testkit.bridge_world import World
from testkit.viewed_bridge import Viewed, view


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def viewed() -> Iterator[Viewed]:
    with view() as viewed:
        yield viewed
