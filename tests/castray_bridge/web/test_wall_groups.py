"""The wall's groups by a label of the inventory."""

from __future__ import annotations

from playwright.sync_api import expect

from testkit.browser import Visitor
from testkit.fake_bridge import FakeBridge, node
from testkit.wall import names, open_wall


def test_nodes_are_grouped_by_a_label_whose_headings_filter(viewer: Visitor) -> None:
    rooms = {"M1": "A2", "M2": "A10", "M3": "A2", "M4": None}
    fleet = [node(name, inventoryLabels={"room": room, "floor": "1"} if room else {}) for name, room in rooms.items()]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        page.locator("#group").select_option("room")
        expect(page.locator(".group")).to_have_text(["A2 · 2", "A10 · 1", "without · 1"])
        assert names(page) == ["M1", "M3", "M2", "M4"]
        page.get_by_role("button", name="A2 · 2").click()
        expect(page.locator(".group")).to_have_text(["A2 · 2"])
        assert names(page) == ["M1", "M3"]
        page.get_by_role("button", name="A2 · 2").click()
        expect(page.locator(".card")).to_have_count(4)
        page.get_by_role("searchbox").fill("a10")
        expect(page.locator(".card")).to_have_count(1)
        page.get_by_role("searchbox").fill("")
        page.locator("#group").select_option("")
        expect(page.locator(".group")).to_have_count(0)


def test_without_labels_there_is_nothing_to_group_by(viewer: Visitor) -> None:
    with FakeBridge(node("M1")) as bridge:
        expect(open_wall(viewer, bridge).locator("#group")).to_be_hidden()
