"""The wall for those who do not see it well or have no pointer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from exporter.states import REPORTABLE
from testkit.browser import Visitor, visitor
from testkit.fake_bridge import FakeBridge, node, unreachable
from testkit.wall import POOR_CONTRASTS, open_wall


def test_nothing_moves_for_viewers_who_prefer_reduced_motion(browser: Browser) -> None:
    with visitor(browser, reduced_motion="reduce") as viewer, FakeBridge(node("M1", "sending")) as bridge:
        page = open_wall(viewer, bridge)
        name = page.locator(".lit").evaluate("lamp => getComputedStyle(lamp, '::before').animationName")
    assert name == "none"


@pytest.mark.parametrize("view", ["cards", "tiles"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(browser: Browser, scheme: str, view: str) -> None:
    """WCAG 2.2, 1.4.3: a ratio of 4.5 at least, on the tint of every state."""
    fleet = [node(state.name, state.name, workStatusStale=True, isHeadNode=True) for state in REPORTABLE]
    with visitor(browser, color_scheme=scheme) as viewer, FakeBridge(*fleet, unreachable("M0", "timeout")) as bridge:
        bridge.failure = "Ray does not answer"
        page = open_wall(viewer, bridge, f"?view={view}")
        expect(page.locator("#banner")).to_be_visible()
        for tile in page.locator(".tiles .card").all():
            tile.locator(".state").click()
        assert page.locator("body").evaluate(POOR_CONTRASTS) == []


def test_meters_are_no_part_of_the_list_that_they_illustrate(viewer: Visitor) -> None:
    """A screen reader reads lists of names and values as such only while nothing else is in them."""
    with FakeBridge(node("M1")) as bridge:
        page = open_wall(viewer, bridge)
        assert page.locator("dl > :not(div), dl > div > :not(dt, dd), :is(dt, dd)[role]").count() == 0
        expect(page.get_by_role("meter", name="CPU")).to_have_attribute("aria-valuetext", "20%")


def test_the_focus_can_be_seen_on_all_that_can_have_it(viewer: Visitor) -> None:
    with FakeBridge(node("M1")) as bridge:
        page = open_wall(viewer, bridge)
        expect(page.get_by_role("link", name="M1")).to_be_visible()
        seen = []
        for _ in range(12):
            page.keyboard.press("Tab")
            focused = page.locator(":focus")
            seen.append(focused.evaluate("each => each.id || each.classList[0] || each.tagName"))
            assert focused.evaluate("each => getComputedStyle(each).outlineStyle") == "solid", seen[-1]
        assert seen == ["theme", "language", *["chip"] * 5, "search", "sort", "view", "A", "strip"]
