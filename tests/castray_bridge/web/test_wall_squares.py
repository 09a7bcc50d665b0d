"""The wall's grid of squares for hundreds and thousands of nodes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any, Final

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from exporter.states import STATES
from testkit.browser import Visitor, visitor
from testkit.changing_bridge import ChangingBridge
from testkit.fake_bridge import FakeBridge, node, unreachable
from testkit.paths import ROOT
from testkit.wall import POOR_CONTRASTS, card, open_wall, square
from testkit.wall_fleet import wall_fleet

GRID = "?view=grid"
SHAPES = """all => all.map((each) => {
    const { backgroundImage, borderRadius } = getComputedStyle(each, "::before");
    return `${backgroundImage} ${borderRadius}`;
})"""
TOUCHED = """() => new Promise((resolve) => {
    let count = 0;
    const observer = new MutationObserver((records) => (count += new Set(records.map((each) => each.target)).size));
    observer.observe(document.getElementById("cards"), { subtree: true, childList: true, attributes: true });
    setTimeout(() => resolve(count), 2000);
})"""
"""JavaScript function that returns how many elements of the grid were changed within 2 s."""


def stuck_in_sending() -> float:
    """Return after how many minutes in sending the alert fires."""
    groups = yaml.safe_load((ROOT / "prometheus/rules/thresholds.yml").read_text("utf-8"))["groups"]
    expressions = {rule["record"]: rule["expr"] for group in groups for rule in group["rules"]}
    return float(expressions["cmzsb:stuck_sending_seconds:threshold"].removeprefix("vector(").removesuffix(")")) / 60


STUCK: Final = stuck_in_sending()


def shown(page: Page) -> list[str]:
    return page.locator(".square").all_inner_texts()


def minutes_ago(minutes: float) -> str:
    return (datetime.now(timezone.utc) - timedelta(minutes=minutes)).isoformat()


@pytest.mark.parametrize(("count", "width", "height"), [(1000, 1920, 1080), (3000, 3840, 2160)])
def test_all_squares_fit_a_wall_display_with_their_names(browser: Browser, count: int, width: int, height: int) -> None:
    with (
        visitor(browser, viewport={"width": width, "height": height}) as viewer,
        FakeBridge(*wall_fleet(count)) as bridge,
    ):
        page = open_wall(viewer, bridge)
        expect(page.locator(".square")).to_have_count(count)
        assert page.evaluate("document.documentElement.scrollHeight") <= height
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        size = page.locator(".square").first.bounding_box()
        assert size is not None
        assert size["width"] >= 30
        assert page.locator("*").count() <= 3 * count
        page.locator("#group").select_option("room")
        expect(page.locator(".group")).to_have_count(5)
        assert page.evaluate("document.documentElement.scrollHeight") <= height
        assert viewer.complaints == []


def test_what_needs_attention_comes_first_under_a_heading_of_its_own(viewer: Visitor) -> None:
    fleet = [
        node("M1"),
        node("M2", "sending", workStatusTimestamp=minutes_ago(STUCK - 1)),
        node("M3", nameConflict="duplicate"),
        node("M4", workStatusStale=True),
        node("M5", "sending", workStatusTimestamp=minutes_ago(STUCK + 0.1)),
        unreachable("M6", "timeout"),
        unreachable("M7", "refused") | {"silencedUntil": minutes_ago(-60)},
        node("M8", "detecting", workStatusTimestamp=minutes_ago(600)),
    ]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge, GRID)
        expect(page.locator(".group")).to_have_text(["Needs attention · 5", "All others · 3"])
        assert shown(page) == ["M6", "M5", "M4", "M3", "M7", "M1", "M2", "M8"]
        page.get_by_label("Sort by").select_option("name")
        expect(page.locator(".group")).to_have_count(0)
        assert shown(page) == [f"M{number}" for number in range(1, 9)]


def test_a_node_that_recovers_goes_back_to_its_place(viewer: Visitor) -> None:
    fleet = [node(f"M{number}") for number in range(1, 31)]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge, GRID)
        bridge.show(*fleet[:19], unreachable("M20", "timeout"), *fleet[20:])
        expect(page.locator(".square").first).to_have_text("M20")
        bridge.show(*fleet)
        expect(page.locator(".square").first).to_have_text("M1")
        assert shown(page) == [each["name"] for each in fleet]


def test_each_state_has_a_shape_of_its_own(viewer: Visitor) -> None:
    fleet = [node(state.name, state.name) for state in STATES if state.reportable]
    with FakeBridge(*fleet, unreachable("M0", "timeout")) as bridge:
        page = open_wall(viewer, bridge, GRID)
        shapes = page.locator(".square").evaluate_all(SHAPES)
        assert len(set(shapes)) == len(STATES)
        assert "none 0px" not in shapes  # that is a bare square


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_name_stands_out_from_its_square(browser: Browser, scheme: str) -> None:
    fleet = [node(state.name[:4], state.name, workStatusStale=True) for state in STATES if state.reportable]
    with visitor(browser, color_scheme=scheme) as viewer, FakeBridge(*fleet, unreachable("M0", "timeout")) as bridge:
        page = open_wall(viewer, bridge, GRID)
        page.locator(".square").first.click()
        expect(page.locator(".details .card")).to_be_visible()
        assert page.locator("body").evaluate(POOR_CONTRASTS) == []


def test_a_square_says_name_state_since_when_and_what_else_is_known(viewer: Visitor) -> None:
    fields: dict[str, Any] = {"workStatusStale": True, "silencedUntil": minutes_ago(-60), "nameConflict": "duplicate"}
    with FakeBridge(node("jetson-orin-0017", "idle", workStatusTimestamp=minutes_ago(5), **fields)) as bridge:
        page = open_wall(viewer, bridge, GRID)
        expect(page.locator(".square")).to_have_text("0017")
        label = square(page, "jetson-orin-0017").get_attribute("aria-label") or ""
    times = r"since \d\d:\d\d:\d\d, script silent, name used twice, silenced until (\d+ \w+, )?\d\d:\d\d"
    assert re.fullmatch(f"jetson-orin-0017, Idle, {times}", label)


def test_the_pointer_shows_a_nodes_card_and_a_click_keeps_it(viewer: Visitor) -> None:
    with FakeBridge(*[node(f"M{number}") for number in range(1, 301)]) as bridge:
        page = open_wall(viewer, bridge)
        details = page.locator(".details")
        square(page, "M7").hover()
        expect(details.locator(".name")).to_have_text("M7")
        page.mouse.move(2, 2)
        expect(details).to_be_hidden()
        assert bridge.histories_asked in ([], [["M7"]])
        square(page, "M9").click()
        square(page, "M200").hover()
        expect(card(page, "M9").locator(".meters")).to_be_visible()
        bridge.show(*[node(f"M{number}", "sending") for number in range(1, 301)])
        expect(card(page, "M9").locator(".state-name")).to_have_text("Server-side detection")
        page.get_by_role("button", name="Close").click()
        page.mouse.move(2, 2)
        expect(details).to_be_hidden()


def test_the_grid_goes_by_keys(viewer: Visitor) -> None:
    with FakeBridge(*[node(f"M{number}") for number in range(1, 301)]) as bridge:
        page = open_wall(viewer, bridge)
        expect(page.locator(".square[tabindex='0']")).to_have_text(["M1"])
        columns = int(page.locator("#cards").evaluate("each => getComputedStyle(each).getPropertyValue('--columns')"))
        focused = page.locator(".square:focus")
        page.locator("#view").press("Tab")
        for key, expected in (
            ("ArrowRight", 2),
            ("ArrowDown", 2 + columns),
            ("ArrowLeft", 1 + columns),
            ("ArrowUp", 1),
            ("ArrowUp", 1),
            ("End", 300),
            ("ArrowUp", 300 - columns),
            ("Home", 1),
        ):
            page.keyboard.press(key)
            expect(focused).to_have_text(f"M{expected}")
            expect(page.locator(".details .name")).to_have_text(f"M{expected}")
        assert page.locator(".square[tabindex='0']").count() == 1
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog", name="Details of M1", exact=True)).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".details")).to_be_hidden()
        expect(focused).to_have_text("M1")


def test_the_focus_stays_on_a_node_that_moves(viewer: Visitor) -> None:
    fleet = [node(f"M{number}") for number in range(1, 31)]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge, GRID)
        square(page, "M20").focus()
        bridge.show(*fleet[:19], unreachable("M20", "timeout"), *fleet[20:])
        expect(page.locator(".square").first).to_have_text("M20")
        expect(page.locator(".square:focus")).to_have_text("M20")


def test_updates_touch_only_squares_of_changed_nodes(viewer: Visitor) -> None:
    fleet = [node(f"M{number}", nodeId=f"id-{number}") for number in range(1, 301)]
    with ChangingBridge(*fleet, changes_per_second=20) as bridge:
        page = open_wall(viewer, bridge)
        expect(page.locator(".square")).to_have_count(300)
        touched = page.evaluate(TOUCHED)
    assert 0 < touched <= 2 * 2.5 * 20
