"""The node's own page in Chromium, over a monitor that says what each test wants."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone
from typing import Any

from flask import Flask, Response, jsonify, request
from playwright.sync_api import Browser, Page, expect

from exporter.states import REPORTABLE, STATES
from servicekit.clock import rfc3339
from servicekit.pages import blueprint
from testkit.browser import Visitor, visitor
from testkit.history import stays
from testkit.web import LiveServer

HOSTILE = '<img src=x onerror="document.title=1">'


class FakeMonitor(LiveServer):
    """A monitor for the page to look at: long poll and history, told by the test what to answer."""

    def __init__(self, alertmanager: str | None = None, **status: Any) -> None:
        self._alertmanager = alertmanager
        self._status = {
            "status": "idle",
            "timestamp": rfc3339(time.time()),
            "latest_state": {"current_task": "", "message": ""},
            "stats": {"total_processed": 1204, "low_confidence_count": 31, "sent_to_server": 29},
            "node_id": "M1",
            "stale": False,
        } | status
        self.has_place_to_wait = True
        self.questions: list[str] = []
        self.history: list[dict[str, Any]] = []
        super().__init__(self._app())

    def become(self, **status: Any) -> None:
        self._status |= status
        self.tell()

    def _app(self) -> Flask:
        app = Flask("fake_monitor", static_folder=None)
        app.register_blueprint(blueprint("exporter", STATES, {"links.json": {"alertmanager": self._alertmanager}}))

        @app.get("/api/status")
        def status() -> Response:
            self.questions.append(request.query_string.decode())
            since = request.args.get("since", type=int)
            if since is not None and self.has_place_to_wait:
                self.wait_past(since, 5)
            return jsonify(self._status | {"version": self.version})

        @app.get("/api/history")
        def history() -> Response:
            since = request.args.get("since", 0, type=float)
            ends = [datetime.fromisoformat(e["timestamp"]).timestamp() + e["duration_seconds"] for e in self.history]
            recent = [entry for entry, end in zip(self.history, ends, strict=True) if end > since]
            # The last one is always there: it is the present state.
            return jsonify(recent or self.history[-1:])

        return app


def open_page(viewer: Visitor, monitor: FakeMonitor) -> Page:
    viewer.page.goto(monitor.url)
    viewer.page.wait_for_selector("[aria-busy=false]")
    return viewer.page


def test_the_page_shows_name_light_task_and_totals(viewer: Visitor) -> None:
    latest = {"current_task": "frame 17", "message": "second look"}
    with FakeMonitor(status="sending", latest_state=latest) as monitor:
        page = open_page(viewer, monitor)
        expect(page.get_by_role("heading", level=1)).to_have_text("M1")
        expect(page.locator("#state")).to_have_text("Server-side detection")
        expect(page.locator(".lamp.lit")).to_have_attribute("data-lamp", "sending")
        for text in ("frame 17", "second look", "1,204", "31", "29"):
            expect(page.get_by_text(text, exact=True)).to_be_visible()
        assert page.title() == "M1 · Server-side detection"


def test_every_change_shows_at_once_over_the_long_poll(viewer: Visitor) -> None:
    with FakeMonitor() as monitor:
        page = open_page(viewer, monitor)
        for state in (*REPORTABLE[1:], REPORTABLE[0]):
            monitor.become(status=state.name)
            expect(page.locator("#state")).to_have_text(state.en, timeout=1000)
            expect(page.locator(".lamp.lit")).to_have_attribute("data-lamp", state.name)
        assert monitor.questions[:2] == ["", "wait=20&since=1"]


def test_without_a_place_to_wait_the_page_does_not_ask_all_the_time(viewer: Visitor) -> None:
    with FakeMonitor() as monitor:
        monitor.has_place_to_wait = False
        viewer.page.clock.install()
        page = open_page(viewer, monitor)
        page.wait_for_load_state("networkidle")
        assert len(monitor.questions) <= 3
        page.clock.fast_forward("00:03")
        monitor.become(status="detecting")
        page.clock.fast_forward("00:03")
        expect(page.locator("#state")).to_have_text("Detecting")


def test_the_last_hour_is_told_by_strip_and_shares(viewer: Visitor) -> None:
    with FakeMonitor(status="detecting") as monitor:
        monitor.history = stays(("idle", 2700), ("sending", 540), ("detecting", 360))
        page = open_page(viewer, monitor)
        expect(page.locator("#since")).to_contain_text("6 mins")
        expect(page.locator("#shares li")).to_contain_text(["Idle 75%", "Detecting 10%", "Server-side detection 15%"])
        strip = page.get_by_role("slider", name="Last hour: M1")
        strip.hover()
        expect(page.locator(".tooltip")).to_have_text(re.compile("^Idle · .* · 4[45] mins"))


def test_the_last_hour_of_a_board_whose_clock_is_behind_is_whole(viewer: Visitor) -> None:
    recorded = stays(("idle", 2700), ("sending", 540), ("detecting", 360))
    with FakeMonitor(status="detecting", timestamp=recorded[-1]["timestamp"]) as monitor:
        viewer.page.clock.install(time=datetime.now(timezone.utc) + timedelta(hours=3))
        page = open_page(viewer, monitor)
        # By the time of the status alone, before there is a history.
        expect(page.locator("#since")).to_contain_text(" · 6 mins")
        monitor.history = recorded
        page.reload()
        expect(page.locator("#shares li")).to_contain_text(["Idle 75%", "Detecting 10%", "Server-side detection 15%"])
        expect(page.locator("#since")).to_contain_text(" · 6 mins")


def test_a_silent_script_is_pointed_out(viewer: Visitor) -> None:
    with FakeMonitor(stale=True) as monitor:
        page = open_page(viewer, monitor)
        expect(page.get_by_text("The inference script is silent")).to_be_visible()
        monitor.become(stale=False)
        expect(page.get_by_text("The inference script is silent")).to_be_hidden()


def test_a_monitor_that_is_gone_turns_the_light_off_until_it_is_back(viewer: Visitor) -> None:
    with FakeMonitor(status="sending") as monitor:
        page = open_page(viewer, monitor)
        monitor.stop()
        expect(page.locator("#banner")).to_contain_text("The monitor does not answer since")
        expect(page.locator(".lamp.lit")).to_have_count(0)
        monitor.start()
        expect(page.locator("#banner")).to_be_hidden()
        expect(page.locator(".lamp.lit")).to_have_attribute("data-lamp", "sending")


def test_what_a_reporter_sends_is_text_and_never_markup(viewer: Visitor) -> None:
    latest = {"current_task": HOSTILE, "message": f"<script>{HOSTILE}</script>"}
    with FakeMonitor(latest_state=latest) as monitor:
        page = open_page(viewer, monitor)
        expect(page.locator("#task")).to_have_text(HOSTILE)
        assert page.locator("main :is(img, script)").count() == 0
        assert page.title() == "M1 · Idle"
    assert not [complaint for complaint in viewer.complaints if "ERR_" not in complaint]


def test_the_page_is_chinese_where_the_browser_is_and_switches(browser: Browser) -> None:
    with visitor(browser, locale="zh-CN") as viewer, FakeMonitor(status="detecting") as monitor:
        page = open_page(viewer, monitor)
        expect(page.locator("#state")).to_have_text("检测中")
        page.get_by_role("button", name="English").click()
        expect(page.locator("#state")).to_have_text("Detecting")
        expect(page.locator("html")).to_have_attribute("lang", "en-GB")
        assert not re.search("[\u4e00-\u9fff]", page.locator("main").inner_text().replace("中文", ""))


def test_the_page_asks_its_own_host_alone_and_fits_a_phone(browser: Browser) -> None:
    with visitor(browser, viewport={"width": 360, "height": 740}) as viewer, FakeMonitor(status="sending") as monitor:
        page = open_page(viewer, monitor)
        expect(page.locator(".lamp.lit")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert all(address.startswith(monitor.url) for address in viewer.requests)
        assert viewer.complaints == []


def test_the_page_shows_what_the_board_tells_and_a_dash_for_what_it_does_not(viewer: Visitor) -> None:
    with FakeMonitor(board={"gpu": 43.7, "temperature_celsius": 61.25}) as monitor:
        page = open_page(viewer, monitor)
        expect(page.locator("#gpu")).to_have_text("44%")
        expect(page.locator("#temperature")).to_have_text("61 °C")
        monitor.become(board={"gpu": 0})
        expect(page.locator("#gpu")).to_have_text("0%")
        expect(page.locator("#temperature")).to_have_text("–")
        monitor.become(board={})
        expect(page.locator("#board")).to_be_hidden()


def test_the_page_links_to_a_new_silence_of_the_node(viewer: Visitor) -> None:
    with FakeMonitor("http://head:9093/am/", node_id="M7") as monitor:
        link = open_page(viewer, monitor).get_by_role("link", name="Silence its alerts")
        wanted = "http://head:9093/am/#/silences/new?filter=%7Bnode%3D%22M7%22%7D"
        expect(link).to_have_attribute("href", wanted)


def test_the_page_has_no_such_link_without_an_alertmanager(viewer: Visitor) -> None:
    with FakeMonitor() as monitor:
        expect(open_page(viewer, monitor).get_by_role("link", name="Silence its alerts")).to_have_count(0)
