"""The wall's cards in Chromium, over a bridge that says what each test wants; tests/e2e has them over real services."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from exporter.states import REPORTABLE, UNKNOWN
from testkit.browser import Visitor
from testkit.fake_bridge import FakeBridge, node, unreachable
from testkit.wall import card, lit, names, open_wall, rgb

HOSTILE = '<img src=x onerror="document.title=1">'


def test_each_state_lights_its_own_lamp_and_is_written_beside_it(viewer: Visitor) -> None:
    with FakeBridge(*[node(state.name, state.name) for state in REPORTABLE]) as bridge:
        page = open_wall(viewer, bridge)
        for state in REPORTABLE:
            expect(card(page, state.name)).to_contain_text(state.en)
            assert lit(page, state.name) == [state.name]
            expect(card(page, state.name).locator(".lit")).to_have_css("background-color", rgb(state))


def test_detecting_pulses_slowly_and_sending_fast(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "idle"), node("M2", "detecting"), node("M3", "sending")) as bridge:
        page = open_wall(viewer, bridge)
        halo = "lamp => getComputedStyle(lamp, '::before').animationDuration"
        seconds = [float(card(page, name).locator(".lit").evaluate(halo)[:-1]) for name in ("M1", "M2", "M3")]
    assert seconds[0] == 0
    assert seconds[1] > 2 > 1 > seconds[2] > 0.3  # three flashes a second are dangerous (WCAG 2.3.1)


def test_a_node_without_an_answer_is_grey_with_the_reason(viewer: Visitor) -> None:
    words = {
        "timeout": "No answer in time",
        "refused": "No monitor is running",
        "http_503": "The monitor answers with an error",
        "something_new": "No answer: something_new",
        HOSTILE: f"No answer: {HOSTILE}",
    }
    with FakeBridge(*[unreachable(f"M{row}", reason) for row, reason in enumerate(words)]) as bridge:
        page = open_wall(viewer, bridge)
        expect(page.locator(".task")).to_have_text(list(words.values()))
        expect(page.locator(".state-name")).to_have_text([UNKNOWN.en] * len(words))
        expect(page.locator(".lit")).to_have_count(0)


def test_a_lost_node_is_grey_and_its_entry_under_an_old_id_is_not_shown(viewer: Visitor) -> None:
    old = node("M1", state="DEAD", nodeId="before the restart")
    with FakeBridge(node("M1", "detecting"), old, node("M2", state="DEAD")) as bridge:
        page = open_wall(viewer, bridge)
        assert names(page) == ["M1", "M2"]
        assert lit(page, "M1") == ["detecting"]
        expect(card(page, "M2")).to_contain_text("Left the Ray cluster")


def test_a_change_shows_at_once_without_a_reload(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "idle")) as bridge:
        page = open_wall(viewer, bridge)
        page.evaluate("window.isSamePage = true")
        bridge.show(node("M1", "sending", currentTask="frame 17"), node("M2"))
        expect(card(page, "M1")).to_contain_text("Server-side detection", timeout=1000)
        expect(card(page, "M1")).to_contain_text("frame 17")
        expect(card(page, "M2")).to_be_visible()
        bridge.show(node("M2"))
        expect(card(page, "M1")).to_have_count(0)
        assert page.evaluate("window.isSamePage")


def test_figures_of_a_node_are_shown_and_missing_ones_make_no_numbers_up(viewer: Visitor) -> None:
    full = node("M1", cpu=95.4, memory=3.2, gpu=50, currentTask="frame 17", workStatusStale=True, isHeadNode=True)
    bare = {"name": "M2", "nodeIp": "10.0.0.2", "nodeId": "2", "workStatus": "detecting"}
    with FakeBridge(full, bare, node("M3", usageKnown=False)) as bridge:
        page = open_wall(viewer, bridge)
        for text in (
            "10.0.",
            "95%",
            "3%",
            "50%",
            "processed 120",
            "low conf. 12",
            "sent 7",
            "frame 17",
            "head",
            "silent",
        ):
            expect(card(page, "M1")).to_contain_text(re.compile(r"\s*".join(map(re.escape, text.split(" ")))))
        expect(card(page, "M2")).to_contain_text("Detecting")
        expect(card(page, "M2")).not_to_contain_text(re.compile("undefined|null|NaN"))
        assert card(page, "M3").get_by_role("meter").first.get_attribute("aria-valuetext") == "–"
    assert viewer.complaints == []


def test_what_a_node_sends_is_text_and_never_markup(viewer: Visitor) -> None:
    evil = node(HOSTILE, "sending", currentTask=f"<script>{HOSTILE}</script>", fullName=HOSTILE, nodeIp=HOSTILE)
    with FakeBridge(evil, node("M1", "no such state", nodeIp={"a": 1}, cpu="x", inference=None)) as bridge:
        page = open_wall(viewer, bridge)
        assert set(names(page)) == {HOSTILE, "M1"}
        expect(card(page, "M1")).to_contain_text(UNKNOWN.en)
        assert page.locator("main :is(img, script)").count() == 0
        assert page.title() == "Node wall"
    assert viewer.complaints == []


def test_page_loads_from_its_own_host_alone_without_errors(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "detecting"), unreachable("M2", "timeout")) as bridge:
        page = open_wall(viewer, bridge)
        page.get_by_role("button", name="中文").click()
        expect(page.locator("#link")).to_have_text("实时")
        page.wait_for_load_state("networkidle")
        host = bridge.url.removeprefix("http://")
        assert any(address.startswith("ws://") for address in viewer.requests)
        assert all(re.match(rf"(http|ws)://{re.escape(host)}", address) for address in viewer.requests)
    assert viewer.complaints == []


def test_name_conflict_is_a_badge_that_says_which(viewer: Visitor) -> None:
    fleet = [
        node("M1", monitorName="ubuntu", nameConflict="mismatch"),
        node("M2", monitorName="M2", nameConflict="duplicate"),
        node("M3", monitorName="M3"),
    ]
    with FakeBridge(*fleet) as bridge:
        page = open_wall(viewer, bridge)
        expect(card(page, "M1").locator(".badge.warning")).to_have_text(["", "monitor named ubuntu"])
        expect(card(page, "M2").locator(".badge.warning")).to_have_text(["", "name used twice"])
        expect(card(page, "M3").locator(".badge.warning")).to_have_text(["", ""])


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"gpu": 0, "gpuKnown": False}, "–"),
        ({"gpu": 37, "gpuKnown": True}, "37%"),
        ({"gpu": 0, "gpuKnown": True}, "0%"),
        ({"gpu": 0, "gpuKnown": True, "resources": {"totalGpu": 0}}, "none"),
        ({"gpu": 37, "gpuKnown": True, "resources": {"totalGpu": 0}}, "37%"),
        ({"gpu": 0, "gpuKnown": False, "resources": {"totalGpu": 0}}, "–"),
    ],
)
def test_gpu_without_a_figure_is_a_dash_and_never_0(viewer: Visitor, fields: dict[str, Any], shown: str) -> None:
    with FakeBridge(node("M1", **fields)) as bridge:
        page = open_wall(viewer, bridge)
        expect(card(page, "M1").locator(".meter .value").nth(2)).to_have_text(shown)
