"""Names of all tests, and fixtures of those that look at the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from testkit.browser import Visitor, chromium, visitor
from tests.needs import needs_servers


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need servers; refuse tests of one name, because in parallel all but one would not run."""
    for item in items:
        if needs_servers(item.path):
            item.add_marker("servers")
    names = [item.nodeid for item in items]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise pytest.UsageError(f"more than one test is called {', '.join(sorted(twice))}")


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
