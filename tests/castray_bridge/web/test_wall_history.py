"""The last hour on the wall's cards."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta, timezone

from playwright.sync_api import Locator, Page, expect

from exporter.states import IDLE, SENDING, STATES
from testkit.browser import Visitor
from testkit.fake_bridge import FakeBridge, node, unreachable
from testkit.fake_history import shares
from testkit.history import stays
from testkit.wall import card, names, open_wall


def told(page: Page, strip: Locator, *minutes_ago: float) -> list[str]:
    """Return what the tooltip says so many minutes before now."""
    box = strip.bounding_box()
    assert box is not None
    words = []
    for minutes in minutes_ago:
        page.mouse.move(box["x"] + (1 - minutes / 60) * box["width"], box["y"] + 5)
        words.append(page.locator(".tooltip").inner_text())
    return words


def test_the_strip_tells_the_exact_seconds_of_each_minute(viewer: Visitor) -> None:
    rows = [{"idle": 60.0}] * 40 + [{"idle": 57.0, "sending": 3.0}] + [{"detecting": 60.0}] * 19
    with FakeBridge(node("M1", "detecting")) as bridge:
        bridge.history["M1"] = lambda: shares(rows)
        page = open_wall(viewer, bridge)
        strip = page.get_by_role("slider", name="Last hour: M1")
        expect(card(page, "M1").locator(".lasted")).to_contain_text("18m")
        passed = float(datetime.now(timezone.utc).second) / 60
        idle, mixed, detecting = told(page, strip, 40, 18.5 + passed, 9)
        assert re.fullmatch(r"Idle · \S+ – \S+ · 39 mins.*|Idle · \S+ – \S+ · 40 mins.*", idle)
        assert re.fullmatch(r"\S+:00 – \S+:00 · Server-side detection 3 secs · Idle 57 secs", mixed)
        assert detecting.startswith("Detecting · ")


def test_a_few_seconds_of_sending_do_not_paint_a_minute_red(viewer: Visitor) -> None:
    """Each state has as much of the strip's area as it has of the time."""
    with FakeBridge(node("M1")) as bridge:
        bridge.history["M1"] = lambda: shares([{"idle": 57.6, "sending": 2.4}] * 60)
        page = open_wall(viewer, bridge)
        expect(card(page, "M1").locator(".lasted")).to_be_visible()
        strip = page.get_by_role("slider", name="Last hour: M1")
        expect(strip).to_have_attribute("aria-valuetext", re.compile("Server-side detection"))
        areas = drawn_colours(strip)
        assert 0 < areas[SENDING.colour] < 0.2 * areas[IDLE.colour]


def test_transitions_of_an_old_bridge_make_the_same_strip(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "detecting")) as bridge:
        bridge.history["M1"] = stays(("idle", 1800), ("sending", 600), ("idle", 300), ("detecting", 900))
        page = open_wall(viewer, bridge)
        strip = page.get_by_role("slider", name="Last hour: M1")
        expect(card(page, "M1").locator(".lasted")).to_contain_text("15m")
        words = told(page, strip, 45, 25, 17.5, 6)
        assert [each.split(" · ")[0] for each in words] == ["Idle", "Server-side detection", "Idle", "Detecting"]
        assert set(drawn_colours(strip)) >= {state.colour for state in STATES if state.reportable}


def drawn_colours(strip: Locator) -> dict[str, int]:
    """Return how many pixels the strip has of each colour."""
    script = """strip => {
        const canvas = strip.querySelector("canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const hex = (place) => [0, 1, 2].map((part) => data[place + part].toString(16).padStart(2, "0")).join("");
        return Array.from({ length: data.length / 4 }, (_, pixel) => "#" + hex(4 * pixel));
    }"""
    return Counter(strip.evaluate(script))


def test_the_strip_is_read_out_and_goes_by_arrow_keys(viewer: Visitor) -> None:
    rows = [{"detecting": 60.0}] * 20 + [{"sending": 60.0}] + [{"idle": 60.0}] * 39
    with FakeBridge(node("M1", "idle")) as bridge:
        bridge.history["M1"] = lambda: shares(rows)
        page = open_wall(viewer, bridge)
        expect(card(page, "M1").locator(".lasted")).to_contain_text("38m")
        strip = page.get_by_role("slider", name="Last hour: M1")
        strip.focus()
        expect(strip).to_have_attribute("aria-valuetext", re.compile("^Idle"))
        strip.press("ArrowLeft")
        expect(strip).to_have_attribute("aria-valuetext", re.compile("^Server-side detection .* 1 min$"))
        strip.press("Home")
        expect(page.locator(".tooltip")).to_have_text(re.compile("^Detecting"))
        strip.press("Escape")
        expect(page.locator(".tooltip")).to_be_hidden()


def test_a_node_whose_clock_is_wrong_still_has_its_last_hour(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "sending")) as bridge:
        bridge.history["M1"] = stays(("idle", 3000), ("sending", 600), ago=3 * 365 * 86400)
        page = open_wall(viewer, bridge)
        expect(card(page, "M1").locator(".lasted")).to_contain_text("10m")


def test_a_clock_of_the_seventies_makes_no_years_of_a_stay(viewer: Visitor) -> None:
    ten_minutes_ago = datetime.now(timezone.utc) - timedelta(minutes=10)
    fleet = [
        node("M1", "sending", workStatusTimestamp="1970-01-01T00:05:00.000+00:00"),
        node("M2", "idle", workStatusTimestamp=ten_minutes_ago.isoformat()),
        node("M3", "idle", workStatusTimestamp="2099-12-31T23:59:59.000+00:00"),
    ]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        lasted = page.locator(".lasted")
        expect(lasted).to_have_text([re.compile(r"^> \d+s$"), re.compile(r"^10m"), re.compile(r"^\d+s$")])
        page.get_by_label("Sort by").select_option("since")
        assert names(page)[0] == "M2"
        # From here on the page has seen it begin.
        bridge.show(fleet[0] | {"workStatus": "idle"}, *fleet[1:])
        expect(card(page, "M1").locator(".lasted")).to_have_text(re.compile(r"^\d+s$"))


def test_only_nodes_in_view_are_asked_for_and_others_when_they_come_into_view(viewer: Visitor) -> None:
    fleet = [node(f"M{number}") for number in range(1, 401)]
    with FakeBridge(*fleet) as bridge:
        bridge.history = {each["name"]: lambda: shares([{"idle": 60.0}] * 60) for each in fleet}
        page = open_wall(viewer, bridge, "?view=cards")
        expect(page.get_by_role("slider").first).to_have_attribute("aria-valuetext", re.compile("59|60|hour"))
        first = [name for asked in bridge.histories_asked for name in asked]
        assert "M1" in first
        assert len(first) == len(set(first)) == page.locator(".card.built").count() < 60
        page.evaluate("scrollTo(0, document.body.scrollHeight)")
        with page.expect_response(re.compile("node=M400")):
            expect(card(page, "M400")).to_be_visible()
        page.evaluate("scrollTo(0, 0)")
        expect(card(page, "M1")).to_be_visible()
        page.wait_for_timeout(700)  # a second question about M1 would be asked by now
        asked = [name for each in bridge.histories_asked for name in each]
        assert asked.count("M1") == 1
        assert max(len(each) for each in bridge.histories_asked) <= 100


def test_nodes_that_come_back_together_are_asked_for_in_one_request(viewer: Visitor) -> None:
    fleet = [node(f"M{number}") for number in range(1, 13)]
    with FakeBridge(*[unreachable(each["name"], "timeout") for each in fleet[:5]], *fleet[5:]) as bridge:
        viewer.page.clock.install()
        page = open_wall(viewer, bridge)
        expect(page.locator(".card[data-state=unknown]")).to_have_count(5)
        page.clock.run_for("00:01")
        bridge.show(*fleet)
        expect(page.locator(".card[data-state=idle]")).to_have_count(12)
        with page.expect_response(re.compile("api/history")):
            page.clock.run_for("00:07")
        page.wait_for_load_state("networkidle")
        assert [sorted(asked) for asked in bridge.histories_asked[1:]] == [["M1", "M2", "M3", "M4", "M5"]]
