"""Fixtures of the bridge's tests."""

from __future__ import annotations

import pytest

from testkit.bridge_world import World


@pytest.fixture
def world() -> World:
    return World()
