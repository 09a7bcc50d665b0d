"""Silences of Alertmanager on the wall."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone

from playwright.sync_api import expect

from testkit.browser import Visitor
from testkit.fake_bridge import FakeBridge, node
from testkit.wall import card, open_wall, square


def in_an_hour() -> str:
    return (datetime.now(timezone.utc) + timedelta(hours=1)).isoformat()


def test_each_card_links_to_a_new_silence_of_its_node_in_a_new_tab(viewer: Visitor) -> None:
    with FakeBridge(node("M7"), node('a "b"'), alertmanager_url="http://head:9093/") as bridge:
        page = open_wall(viewer, bridge)
        link = card(page, "M7").get_by_role("link", name="Silence the alerts of M7 in Alertmanager")
        expect(link).to_have_attribute("href", "http://head:9093/#/silences/new?filter=%7Bnode%3D%22M7%22%7D")
        expect(link).to_have_attribute("target", "_blank")
        quoted = card(page, 'a "b"').locator(".silence")
        expect(quoted).to_have_attribute("href", re.compile("%7Bnode%3D%22a%20%5C%22b%5C%22%22%7D$"))
        page.get_by_role("button", name="中文").click()
        expect(card(page, "M7").locator(".silence")).to_have_text("静默…")


def test_without_an_alertmanager_there_is_no_link(viewer: Visitor) -> None:
    with FakeBridge(node("M7")) as bridge:
        expect(open_wall(viewer, bridge).locator(".silence")).to_be_hidden()


def test_a_silenced_node_wears_a_mark_that_says_until_when(viewer: Visitor) -> None:
    fleet = [node("M1", silencedUntil=in_an_hour()), node("M2", silencedUntil=None), node("M3", silencedUntil="soon")]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        mark = card(page, "M1").locator(".badge.silenced")
        expect(mark).to_have_text(re.compile(r"silenced until (\d+ \w+, )?\d\d:\d\d$"))
        expect(mark).to_have_attribute("title", re.compile(r"^Alertmanager sends no notifications"))
        for name in ("M2", "M3"):
            expect(card(page, name).locator(".badge.silenced")).to_have_text("")
        page.get_by_label("View").select_option("tiles")
        expect(card(page, "M1").locator(".badge.silenced")).to_be_visible()
        page.get_by_label("View").select_option("grid")
        expect(square(page, "M1")).to_have_class(re.compile("silenced"))
        bridge.show(node("M1"), *fleet[1:])
        expect(square(page, "M1")).not_to_have_class(re.compile("silenced"))
