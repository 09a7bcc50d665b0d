"""What holds for all tests: their names, which of them start something, and a browser for those that look at pages."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, expect

from testkit.browser import Visitor, chromium, visitor
from testkit.reach import Reach, no_processes

expect.set_options(timeout=20_000)  # milliseconds until what never comes is a failure, also beside other tests


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that start something; refuse tests of one name, because in parallel all but one would not run."""
    reach = Reach()
    for item in items:
        if not isinstance(item, pytest.Function) or reach.starts_something((item.function, *_fixtures(item))):
            item.add_marker("servers")
    names = [item.nodeid for item in items]
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise pytest.UsageError(f"more than one test is called {', '.join(sorted(twice))}")


def _fixtures(item: pytest.Function) -> Iterator[object]:
    """Yield the functions of all fixtures that a test uses, also indirectly."""
    return (fixture[-1].func for fixture in item._fixtureinfo.name2fixturedefs.values())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Hold the other tests to their mark: one that starts a process all the same fails."""
    if item.get_closest_marker("servers"):
        return (yield)
    with no_processes():
        return (yield)


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
