"""The wall in Chromium, over a bridge that says what each test wants; tests/e2e has it over real services."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from exporter.states import REPORTABLE, STATES, UNKNOWN
from testkit.browser import Visitor, visitor
from testkit.fake_bridge import FakeBridge, node, unreachable
from testkit.history import stays
from testkit.wall import POOR_CONTRASTS, card, lit, names, open_wall, rgb

HOSTILE = '<img src=x onerror="document.title=1">'
FONT_SIZE = "element => parseFloat(getComputedStyle(element).fontSize)"
CUT = """all => all
    .filter((each) => each.scrollWidth > each.clientWidth
        || each.offsetHeight > 1.7 * parseFloat(getComputedStyle(each).fontSize))
    .map((each) => each.textContent)"""


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


def test_nothing_moves_for_viewers_who_prefer_reduced_motion(browser: Browser) -> None:
    with visitor(browser, reduced_motion="reduce") as viewer, FakeBridge(node("M1", "sending")) as bridge:
        page = open_wall(viewer, bridge)
        name = page.locator(".lit").evaluate("lamp => getComputedStyle(lamp, '::before').animationName")
    assert name == "none"


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


def test_the_strip_tells_each_stay_of_the_last_hour(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "detecting")) as bridge:
        bridge.history["M1"] = stays(("idle", 1800), ("sending", 600), ("idle", 300), ("detecting", 900))
        page = open_wall(viewer, bridge)
        strip = page.get_by_role("slider", name="Last hour: M1")
        expect(card(page, "M1").locator(".lasted")).to_contain_text("15m")
        box = strip.bounding_box()
        assert box is not None
        told = []
        for share in (0.25, 0.58, 0.7, 0.9):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + 5)
            told.append(page.locator(".tooltip").inner_text())
        assert [words.split(" · ")[0] for words in told] == ["Idle", "Server-side detection", "Idle", "Detecting"]
        assert told[1].endswith("10 mins")
        assert drawn_colours(strip) >= {state.colour for state in STATES if state.reportable}


def drawn_colours(strip: Locator) -> set[str]:
    script = """strip => {
        const canvas = strip.querySelector("canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const hex = (place) => [0, 1, 2].map((part) => data[place + part].toString(16).padStart(2, "0")).join("");
        return [...new Set(Array.from({ length: data.length / 4 }, (_, pixel) => "#" + hex(4 * pixel)))];
    }"""
    return set(strip.evaluate(script))


def test_the_strip_is_read_out_and_goes_by_arrow_keys(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "idle")) as bridge:
        bridge.history["M1"] = stays(("detecting", 1200), ("sending", 60), ("idle", 900))
        page = open_wall(viewer, bridge)
        expect(card(page, "M1").locator(".lasted")).to_contain_text("15m")
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


def test_the_use_of_the_cluster_is_shown_where_it_is_known(viewer: Visitor) -> None:
    with FakeBridge(node("M1")) as bridge:
        memory = {"used": 1, "total": 2, "usedGB": 63.2, "totalGB": 170.2}
        bridge.summary = {"resources": {"cpu": {"used": 41.5, "total": 138}, "gpu": {"total": 0}, "memory": memory}}
        page = open_wall(viewer, bridge)
        expect(page.locator("#cluster")).to_have_text("CPU 41.5 / 138 · Memory 63.2 / 170.2 GB")
        bridge.summary |= {"usageKnown": False}
        bridge.show(node("M1"))
        expect(page.locator("#cluster")).to_have_text("")


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


@pytest.mark.parametrize(("absent", "questions"), [(2, {"M1", "M2"}), (30, {None})])
def test_nodes_that_come_back_together_are_asked_for_their_histories_together(
    viewer: Visitor, absent: int, questions: set[str | None]
) -> None:
    fleet = [node(f"M{number}") for number in range(1, 31)]
    with FakeBridge(*[unreachable(each["name"], "timeout") for each in fleet[:absent]], *fleet[absent:]) as bridge:
        viewer.page.clock.install()
        page = open_wall(viewer, bridge)
        expect(page.locator(".card[data-state=unknown]")).to_have_count(absent)
        bridge.show(*fleet)
        expect(page.locator(".card[data-state=idle]")).to_have_count(30)
        assert bridge.histories_asked == [None]
        with page.expect_response(re.compile("api/history")):
            page.clock.run_for("00:07")
        page.wait_for_load_state("networkidle")
        assert set(bridge.histories_asked[1:]) == questions
        assert len(bridge.histories_asked) == 1 + len(questions)


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
        bridge.show(*[each | {"workStatus": "sending"} for each in fleet])
        expect(page.locator(".lamp.lit[data-lamp=sending]")).to_have_count(200)
        page.get_by_label("View").select_option("cards")
        expect(card(page, "M9").locator(".meters")).to_be_visible()
    assert viewer.complaints == []


def test_a_lost_node_counts_as_one_without_answer_and_the_page_says_so(viewer: Visitor) -> None:
    lost = [node("M2", state="DEAD"), node("M3", state="DEAD")]
    with FakeBridge(node("M1"), *lost, unreachable("M4", "timeout")) as bridge:
        page = open_wall(viewer, bridge)
        chip = page.locator(".chip[data-state=unknown]")
        expect(chip).to_have_text("3No answer(2 lost)")
        bridge.show(node("M1"), unreachable("M4", "timeout"))
        expect(chip).to_have_text("1No answer")


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
        page = open_wall(viewer, bridge)
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
