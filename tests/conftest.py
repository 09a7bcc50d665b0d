"""Fixtures of the tests that look at the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.browser import Visitor, chromium, visitor


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium per module: playwright's loop would be in the way of asyncio in other modules."""
    with chromium() as running:
        yield running


@pytest.fixture
def viewer(browser: Browser) -> Iterator[Visitor]:
    """A window of a British desktop."""
    with visitor(browser) as window:
        yield window
