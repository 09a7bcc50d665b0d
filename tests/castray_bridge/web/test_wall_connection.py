"""The wall while the bridge, or Ray behind it, is away."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from testkit.browser import Visitor
from testkit.fake_bridge import FakeBridge, node
from testkit.history import stays
from testkit.wall import card, open_wall


def test_the_page_comes_back_by_itself_after_the_bridge_was_away(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "idle")) as bridge:
        page = open_wall(viewer, bridge)
        expect(page.locator("#link")).to_have_text("Live")
        bridge.stop()
        bridge.show(node("M1", "sending"))
        bridge.start()
        expect(page.locator("#link")).to_have_text("Live")
        expect(card(page, "M1")).to_contain_text("Server-side detection")


def test_old_data_are_called_old(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "sending")) as bridge:
        viewer.page.clock.install()
        page = open_wall(viewer, bridge)
        banner = page.locator("#banner")
        expect(banner).to_be_hidden()
        bridge.stop()
        page.clock.fast_forward("00:30")
        expect(banner).to_contain_text("The bridge does not answer. Data as of")
        expect(page.locator("#link")).to_have_text("No connection")
        bridge.history["M1"] = stays(("idle", 600), ("sending", 1200))
        bridge.start()
        page.clock.fast_forward("00:30")
        expect(banner).to_be_hidden()
        # What happened meanwhile comes from the node's own record.
        expect(card(page, "M1").locator(".lasted")).to_contain_text("20m")


def test_a_list_of_nodes_that_ray_no_longer_confirms_is_called_old(viewer: Visitor) -> None:
    with FakeBridge(node("M1")) as bridge:
        bridge.failure = "Ray's dashboard does not answer"
        page = open_wall(viewer, bridge)
        expect(page.locator("#warning")).to_have_text(re.compile("cannot update its list of nodes"))
        expect(page.locator("#reason")).to_have_text("Ray's dashboard does not answer")
        page.get_by_role("button", name="中文").click()
        expect(page.locator("#warning")).to_have_text(re.compile("^[^a-zA-Z]*无法更新节点列表[^a-zA-Z]*$"))
        # The bridge's own words stay beside it, marked as what they are.
        expect(page.locator("#banner q[lang=en]")).to_have_text("Ray's dashboard does not answer")


def test_without_a_websocket_the_page_polls(viewer: Visitor) -> None:
    with FakeBridge(node("M1")) as bridge:
        bridge.has_websocket = False
        viewer.page.clock.install()
        page = open_wall(viewer, bridge)
        expect(page.locator("#link")).to_have_text("Polling")
        bridge.show(node("M1", "detecting"))
        page.clock.fast_forward("00:03")
        expect(card(page, "M1")).to_contain_text("Detecting")


def test_token_that_a_bridge_demands_is_entered(viewer: Visitor) -> None:
    token = "open-sesame/of~2"
    with FakeBridge(node("M1"), token=token) as bridge:
        viewer.page.goto(bridge.url)
        viewer.page.get_by_label("demands a token").fill(token)
        viewer.page.get_by_role("button", name="Use").click()
        expect(card(viewer.page, "M1")).to_contain_text("Idle")
        expect(viewer.page.locator("#link")).to_have_text("Live")


def test_a_name_leads_to_the_nodes_own_page(viewer: Visitor) -> None:
    with FakeBridge(node("M1", nodeIp="10.9.8.7")) as bridge:
        page = open_wall(viewer, bridge)
        expect(page.get_by_role("link", name="M1")).to_have_attribute("href", "http://10.9.8.7:8000/")


def test_links_stay_and_are_tried_again_while_the_bridge_does_not_know_the_addresses(viewer: Visitor) -> None:
    first = node("M1", nodeIp="10.9.8.7")
    with FakeBridge(first) as bridge:
        viewer.page.clock.install()
        page = open_wall(viewer, bridge)
        expect(page.get_by_role("link")).to_have_count(1)
        bridge.failure = "Ray does not answer"
        with page.expect_response(re.compile("sd/prometheus")) as answer:
            bridge.show(first, node("M2", nodeIp="10.9.8.6"))
        assert answer.value.status == 503
        expect(card(page, "M2")).to_be_visible()
        expect(page.get_by_role("link", name="M1")).to_have_attribute("href", "http://10.9.8.7:8000/")
        bridge.failure = None
        page.clock.fast_forward("00:06")
        expect(page.get_by_role("link", name="M2")).to_have_attribute("href", "http://10.9.8.6:8000/")
