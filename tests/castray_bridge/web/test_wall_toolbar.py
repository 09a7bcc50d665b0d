"""Counts, search, order and language of the wall."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from playwright.sync_api import Browser, expect

from testkit.browser import Visitor, visitor
from testkit.fake_bridge import FakeBridge, node, unreachable
from testkit.wall import card, open_wall


def test_the_language_follows_the_browser_and_can_be_switched_and_is_kept(browser: Browser) -> None:
    with visitor(browser, locale="zh-CN") as viewer, FakeBridge(node("M1", "detecting")) as bridge:
        page = open_wall(viewer, bridge)
        expect(page.get_by_role("heading", level=1)).to_have_text("节点状态墙")
        expect(card(page, "M1")).to_contain_text("检测中")
        page.get_by_role("button", name="English").click()
        expect(card(page, "M1")).to_contain_text("Detecting")
        expect(page.locator("html")).to_have_attribute("lang", "en-GB")
        assert not re.search("[\u4e00-\u9fff]", page.locator("main").inner_text())
        page.reload()
        expect(card(page, "M1")).to_contain_text("Detecting")
        page.goto(f"{bridge.url}?lang=zh")
        expect(card(page, "M1")).to_contain_text("检测中")


def test_every_state_has_its_count_which_filters_at_a_click(viewer: Visitor) -> None:
    fleet = [node("M1"), node("M2"), node("M3", "sending"), unreachable("M4", "timeout")]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        chips = page.get_by_role("group", name="Show nodes by state").get_by_role("button")
        expect(chips).to_have_text(["4All", "1Server-side detection", "0Detecting", "2Idle", "1No answer"])
        chips.filter(has_text="Idle").click()
        expect(page.locator(".card .name")).to_have_text(["M1", "M2"])
        expect(page.locator("#shown")).to_have_text("2 of 4 nodes shown")
        bridge.show(*fleet[1:], node("M1", "sending"))
        expect(page.locator(".card .name")).to_have_text(["M2"])
        chips.filter(has_text="Idle").click()
        expect(page.locator(".card")).to_have_count(4)


def test_search_finds_names_addresses_and_tasks(viewer: Visitor) -> None:
    fleet = [node("M1", nodeIp="10.1.0.9"), node("M21", currentTask="North gate"), node("gate-7")]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        search = page.get_by_role("searchbox")
        for query, found in (("m2", ["M21"]), ("10.1.0.9", ["M1"]), ("GATE", ["gate-7", "M21"]), ("nobody", [])):
            search.fill(query)
            expect(page.locator(".card .name")).to_have_text(found)
        expect(page.locator("#empty")).to_have_text("No node matches the filter.")
        search.press("Enter")
        assert page.url == bridge.url


def test_nodes_come_in_the_chosen_order(viewer: Visitor) -> None:
    def busy(name: str, state: str, cpu: float, sent: int, minutes: int) -> dict[str, Any]:
        since = datetime.now(timezone.utc) - timedelta(minutes=minutes)
        return node(name, state, cpu=cpu, inference={"sentToServer": sent}, workStatusTimestamp=since.isoformat())

    fleet = [busy("M10", "sending", 1, 5, 1), busy("M1", "idle", 50, 2, 5), busy("M2", "detecting", 90, 1, 9)]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        for order, expected in {
            "name": ["M1", "M2", "M10"],
            "state": ["M10", "M2", "M1"],
            "cpu": ["M2", "M1", "M10"],
            "sent": ["M10", "M1", "M2"],
            "since": ["M2", "M1", "M10"],
        }.items():
            page.get_by_label("Sort by").select_option(order)
            expect(page.locator(".card .name")).to_have_text(expected)


def test_the_use_of_the_cluster_is_shown_where_it_is_known(viewer: Visitor) -> None:
    with FakeBridge(node("M1")) as bridge:
        memory = {"used": 1, "total": 2, "usedGB": 63.2, "totalGB": 170.2}
        bridge.summary = {"resources": {"cpu": {"used": 41.5, "total": 138}, "gpu": {"total": 0}, "memory": memory}}
        page = open_wall(viewer, bridge)
        expect(page.locator("#cluster")).to_have_text("CPU 41.5 / 138 · Memory 63.2 / 170.2 GB")
        bridge.summary |= {"usageKnown": False}
        bridge.show(node("M1"))
        expect(page.locator("#cluster")).to_have_text("")


def test_a_lost_node_counts_as_one_without_answer_and_the_page_says_so(viewer: Visitor) -> None:
    lost = [node("M2", state="DEAD"), node("M3", state="DEAD")]
    with FakeBridge(node("M1"), *lost, unreachable("M4", "timeout")) as bridge:
        page = open_wall(viewer, bridge)
        chip = page.locator(".chip[data-state=unknown]")
        expect(chip).to_have_text("3No answer(2 lost)")
        bridge.show(node("M1"), unreachable("M4", "timeout"))
        expect(chip).to_have_text("1No answer")


def test_the_colours_follow_the_system_until_the_viewer_chooses(browser: Browser) -> None:
    dark, light = "rgb(11, 16, 23)", "rgb(243, 245, 248)"
    with visitor(browser, color_scheme="dark") as viewer, FakeBridge(node("M1")) as bridge:
        page = open_wall(viewer, bridge)
        expect(page.locator("body")).to_have_css("background-color", dark)
        page.get_by_role("button", name="Colours: as the system").click()
        expect(page.locator("body")).to_have_css("background-color", light)
        page.reload()
        expect(page.get_by_role("button", name="Colours: light")).to_be_visible()
        expect(page.locator("body")).to_have_css("background-color", light)
