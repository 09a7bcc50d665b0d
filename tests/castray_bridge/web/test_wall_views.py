"""Cards and tiles of the wall on screens from phones to wall displays."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from exporter.states import STATES
from testkit.browser import Visitor, visitor
from testkit.fake_bridge import FakeBridge, node
from testkit.wall import card, open_wall

FONT_SIZE = "element => parseFloat(getComputedStyle(element).fontSize)"
CUT = """all => all
    .filter((each) => each.scrollWidth > each.clientWidth
        || each.offsetHeight > 1.7 * parseFloat(getComputedStyle(each).fontSize))
    .map((each) => each.textContent)"""


def test_two_hundred_nodes_come_as_tiles_that_open(viewer: Visitor) -> None:
    fleet = [node(f"M{number}", STATES[number % 3 + 1].name, nodeIp=f"10.2.0.{number}") for number in range(1, 201)]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        assert page.locator(".card").count() == 200
        expect(card(page, "M7").locator(".meters")).to_be_hidden()
        card(page, "M7").locator(".state").click()
        expect(card(page, "M7").locator(".meters")).to_be_visible()
        page.get_by_role("button", name="Details of M8", exact=True).press("Enter")
        expect(card(page, "M8").locator(".meters")).to_be_visible()
        started = time.monotonic()
        bridge.show(*[each | {"workStatus": "sending"} for each in fleet])
        expect(page.locator(".card[data-state=sending]")).to_have_count(200)
        assert time.monotonic() - started < 3
        page.get_by_label("View").select_option("cards")
        expect(card(page, "M9").locator(".meters")).to_be_visible()
    assert viewer.complaints == []


@pytest.mark.parametrize("count", [23, 200])
def test_a_wall_display_shows_all_nodes_without_scrolling(browser: Browser, count: int) -> None:
    fleet = [node(f"M{number}", STATES[number % len(STATES)].name) for number in range(count)]
    screen: Any = {"width": 1920, "height": 1080}
    with visitor(browser, viewport=screen) as viewer, FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        for language in ("en", "zh"):
            expect(page.locator("html")).to_have_attribute("lang", re.compile(language))
            box = page.locator(".card").last.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= screen["height"]
            assert page.evaluate("document.documentElement.scrollHeight") <= screen["height"]
            # Small, but nothing is cut and all can be read.
            assert page.locator(".state-name").evaluate_all(CUT) == []
            assert page.locator(".state-name").first.evaluate(FONT_SIZE) >= 9
            page.locator("#language").click()


def test_more_nodes_than_a_wall_display_has_room_for_stay_readable(browser: Browser) -> None:
    screen: Any = {"width": 1920, "height": 1080}
    with visitor(browser, viewport=screen) as viewer, FakeBridge(*[node(f"M{i}") for i in range(300)]) as bridge:
        page = open_wall(viewer, bridge, "?view=tiles")
        assert page.evaluate("document.documentElement.scrollHeight") > screen["height"]
        assert page.locator(".state-name").first.evaluate(FONT_SIZE) >= 9


def test_a_phone_shows_many_nodes_as_tiles_and_few_as_cards(browser: Browser) -> None:
    fleet = [node(f"M{number}", STATES[number % 3 + 1].name) for number in range(1, 24)]
    screen: Any = {"width": 390, "height": 844}
    with visitor(browser, viewport=screen, locale="zh-CN") as viewer, FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        expect(card(page, "M7").locator(".meters")).to_be_hidden()
        assert page.evaluate("document.documentElement.scrollWidth") <= screen["width"]
        assert page.evaluate("document.documentElement.scrollHeight") < 2 * screen["height"]
        card(page, "M7").locator(".state").click()
        expect(card(page, "M7").locator(".meters")).to_be_visible()
        bridge.show(*fleet[:3])
        expect(card(page, "M2").locator(".meters")).to_be_visible()


def test_nothing_is_wider_than_the_window(viewer: Visitor) -> None:
    long = node("jetson-orin-nano-in-the-north-east-corridor-behind-the-library", "sending", currentTask="x" * 200)
    with FakeBridge(long, node("M2")) as bridge:
        page = open_wall(viewer, bridge)
        for width in (320, 390, 800, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_few_nodes_fill_a_wall_display(browser: Browser) -> None:
    screen: Any = {"width": 3840, "height": 2160}
    with visitor(browser, viewport=screen) as viewer, FakeBridge(*[node(f"M{i}") for i in range(1, 24)]) as bridge:
        page = open_wall(viewer, bridge)
        box = page.locator(".card").last.bounding_box()
        assert box is not None
        assert 0.7 * screen["height"] < box["y"] + box["height"] <= screen["height"]


def test_cards_out_of_view_are_text_until_they_come_into_view(viewer: Visitor) -> None:
    with FakeBridge(*[node(f"M{number}") for number in range(1, 1001)]) as bridge:
        page = open_wall(viewer, bridge, "?view=cards")
        expect(page.locator("#cards > li")).to_have_count(1000)
        expect(page.locator("#cards > li").last).to_have_text("M1000 · Idle")
        assert page.locator("*").count() <= 5000
        height = page.evaluate("document.documentElement.scrollHeight")
        for _ in range(2):
            page.evaluate("scrollTo(0, document.body.scrollHeight)")
            expect(card(page, "M1000")).to_be_visible()
            expect(card(page, "M1")).to_have_count(0)
            page.evaluate("scrollTo(0, 0)")
            expect(card(page, "M1")).to_be_visible()
        assert page.locator("*").count() <= 5000
        assert abs(page.evaluate("document.documentElement.scrollHeight") - height) < 0.02 * height


@pytest.mark.parametrize(("count", "view"), [(48, "cards"), (49, "tiles"), (240, "tiles"), (241, "grid")])
def test_the_view_follows_the_number_of_nodes_until_the_viewer_chooses(viewer: Visitor, count: int, view: str) -> None:
    with FakeBridge(*[node(f"M{number}") for number in range(count)]) as bridge:
        page = open_wall(viewer, bridge)
        expect(page.locator("#cards")).to_have_attribute("data-view", view)
        page.get_by_label("View").select_option("cards")
        expect(page.locator("#cards > li")).to_have_count(count)
        expect(page.locator("#cards")).to_have_attribute("data-view", "cards")
