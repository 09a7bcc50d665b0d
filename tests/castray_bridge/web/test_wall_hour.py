"""The record of a node's last hour that the wall keeps, in a real browser, without a page and with given times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page

from testkit.browser import visitor
from testkit.fake_bridge import FakeBridge

NOON: Final = 1_800_000_000_000 - 1_800_000_000_000 % 3_600_000
"""A full hour, in milliseconds since 1970."""
MINUTE: Final = 60_000

PLAY = """async ([calls, now]) => {
  const { HourRecord } = await import("./static/hour.js");
  const { States } = await import("./static/states.js");
  const rows = ["unknown", "idle", "detecting", "sending"].map((name, code) => ({ name, code }));
  const record = new HourRecord(new States(rows));
  for (const [method, ...given] of calls) record[method](...given);
  return { items: record.items(now), since: record.since, isOlder: record.isOlder };
}"""
"""JavaScript function that makes calls of one record and returns what it has at `now`."""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with FakeBridge() as bridge, visitor(browser) as viewer:
        viewer.page.goto(bridge.url)
        yield viewer.page


def played(page: Page, now: float, *calls: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Return `(start, end, {state: seconds})` of each item, in seconds after noon, and the rest of the result."""
    result = page.evaluate(PLAY, [list(calls), now])
    items = [
        (
            (item["start"] - NOON) / 1000,
            (item["end"] - NOON) / 1000,
            {part["status"]: round(part["time"] / 1000, 1) for part in item["parts"]},
        )
        for item in result["items"]
    ]
    return items, result


def test_what_is_seen_is_added_to_its_minutes(page: Page) -> None:
    items, result = played(
        page,
        NOON + 70_000,
        ["note", "idle", NOON + 50_000],
        ["note", "sending", NOON + 56_000],
        ["note", "idle", NOON + 62_000],
        ["confirm", NOON + 70_000],
    )
    assert items == [(0, 60, {"idle": 6, "sending": 4}), (60, 70, {"idle": 8, "sending": 2})]
    assert result["since"] == NOON + 62_000


def test_minutes_in_one_and_the_same_state_are_one_item(page: Page) -> None:
    calls = [["note", "idle", NOON + 5_000 * step] for step in range(61)]
    items, _ = played(page, NOON + 5 * MINUTE, *calls)
    assert items == [(0, 300, {"idle": 300})]


def test_a_gap_in_the_data_is_empty(page: Page) -> None:
    items, _ = played(
        page,
        NOON + 5 * MINUTE,
        ["note", "idle", NOON],
        ["confirm", NOON + 9_000],
        ["note", "idle", NOON + 5 * MINUTE - 8_000],
        ["confirm", NOON + 5 * MINUTE],
    )
    assert items == [(0, 60, {"idle": 9}), (240, 300, {"idle": 8})]


def test_only_the_last_hour_is_kept_however_long_it_goes_on(page: Page) -> None:
    calls = [["note", ("idle", "detecting")[step % 2], NOON + 9_000 * step] for step in range(1201)]
    items, _ = played(page, NOON + 180 * MINUTE, *calls)
    assert (items[0][0], items[-1][1], len(items)) == (7200, 10800, 60)
    assert sum(sum(parts.values()) for *_, parts in items) == pytest.approx(3600, abs=1)


def test_what_is_loaded_goes_on_with_what_is_seen(page: Page) -> None:
    seconds = {"idle": [60.0, 30.0], "sending": [0.0, 0.0]}
    items, _ = played(
        page,
        NOON + 40_000,
        ["note", "idle", NOON + 25_000],
        ["load", {"begin": "2027-01-15T07:59:00Z", "seconds": seconds}, NOON + 30_000],
        ["note", "sending", NOON + 34_000],
        ["confirm", NOON + 40_000],
    )
    assert items == [(-60, 0, {"idle": 60}), (0, 40, {"idle": 34, "sending": 6})]


def test_a_record_by_a_clock_that_is_years_wrong_ends_now(page: Page) -> None:
    seconds = {"idle": [60.0, 60.0, 20.0], "detecting": [0.0, 0.0, 25.0]}
    items, _ = played(
        page,
        NOON + 45_000,
        ["note", "detecting", NOON + 45_000],
        ["load", {"begin": "1970-01-01T00:00:00Z", "seconds": seconds}, NOON + 45_000],
    )
    assert items == [(-120, 0, {"idle": 120}), (0, 45, {"idle": 20, "detecting": 25})]


def test_the_record_tells_since_when_a_state_lasts_that_began_unseen(page: Page) -> None:
    seconds = {"idle": [60.0, 40.0, 0.0], "sending": [0.0, 20.0, 30.0]}
    _, result = played(
        page,
        NOON + 30_000,
        ["note", "sending", NOON + 29_000],
        ["load", {"begin": "2027-01-15T07:58:00Z", "seconds": seconds}, NOON + 30_000],
    )
    assert (result["since"], result["isOlder"]) == (NOON - 20_000, False)


@pytest.mark.parametrize(
    "reply",
    [{}, {"begin": "never", "seconds": {"idle": [60]}}, {"begin": "2027-01-15T08:00:00Z", "seconds": {"idle": None}}],
)
def test_a_record_without_sense_changes_nothing(page: Page, reply: dict[str, Any]) -> None:
    calls: list[list[Any]] = [["note", "idle", NOON], ["load", reply, NOON + 5_000], ["confirm", NOON + 8_000]]
    items, _ = played(page, NOON + 8_000, *calls)
    assert items == [(0, 8, {"idle": 8})]
