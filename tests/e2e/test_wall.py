"""The wall over real services: real monitors, the real bridge, Chromium; only Ray's list is the test's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from testkit.browser import Visitor
from testkit.fake_ray import FakeRay, RayNode
from testkit.net import free_port, wait_for
from testkit.running import RunningBridge, RunningMonitor

IPS = ("127.0.0.1", "127.0.0.2")
AT_ONCE = 1000
"""Milliseconds within which a report is to be seen."""


def name_of(ip: str) -> str:
    return f"M{ip[-1]}"


def monitor(directory: Path, ip: str, port: int) -> RunningMonitor:
    directory.mkdir()
    return RunningMonitor(directory, address=f"{ip}:{port}", node=name_of(ip))


class World:
    """Two nodes with a monitor each, and the bridge."""

    def __init__(self, directory: Path, stack: ExitStack, *options: str) -> None:
        port = free_port(IPS)
        ray = stack.enter_context(FakeRay(*(RayNode(name_of(ip), ip) for ip in IPS)))
        self.monitors = [stack.enter_context(monitor(directory / ip, ip, port)) for ip in IPS]
        source = ("--ray-dashboard", ray.url, "--monitor-port", str(port), "--refresh", "0.2")
        self.bridge: RunningBridge = stack.enter_context(RunningBridge(directory, *source, *options))
        self.links = [f"http://{ip}:{port}/" for ip in IPS]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        made = World(tmp_path, stack)
        wait_for(lambda: len(made.bridge.nodes()) == len(IPS), "the nodes")
        yield made


def card(page: Page, name: str) -> Locator:
    return page.locator(".card").filter(has=page.get_by_role("heading", name=name, exact=True))


def test_a_report_shows_at_once_and_a_restart_of_the_bridge_and_the_end_of_a_monitor_are_seen(
    world: World, viewer: Visitor
) -> None:
    page = viewer.page
    page.goto(world.bridge.url)
    expect(card(page, "M1")).to_contain_text("Idle")
    expect(page.locator("#link")).to_have_text("Live")
    page.evaluate("window.isSamePage = true")

    world.monitors[0].report(status="sending", current_task="frame 17")
    expect(card(page, "M1").locator(".lit")).to_have_attribute("data-lamp", "sending", timeout=AT_ONCE)
    expect(card(page, "M1")).to_contain_text("frame 17")
    assert viewer.complaints == []

    world.bridge.kill_9()
    world.monitors[0].report(status="detecting")
    expect(card(page, "M1")).to_contain_text("Server-side detection")
    world.bridge.start()
    expect(card(page, "M1").locator(".lit")).to_have_attribute("data-lamp", "detecting", timeout=15_000)
    expect(page.locator("#link")).to_have_text("Live")

    world.monitors[1].kill_9()
    expect(card(page, "M2")).to_contain_text("No monitor is running")
    expect(card(page, "M2").locator(".lit")).to_have_count(0)
    expect(card(page, "M1").locator(".lit")).to_have_count(1)
    assert page.evaluate("window.isSamePage")


def test_a_name_leads_to_the_page_of_the_node_where_reports_show_at_once_too(world: World, viewer: Visitor) -> None:
    page = viewer.page
    world.monitors[1].report(status="detecting", processed=3)
    page.goto(world.bridge.url)
    expect(page.get_by_role("link", name="M2")).to_have_attribute("href", world.links[1])
    page.get_by_role("link", name="M2").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("M2")
    expect(page.locator("#state")).to_have_text("Detecting")
    expect(page.locator("#processed")).to_have_text("3")
    world.monitors[1].report(status="sending", current_task="frame 18")
    expect(page.locator("#state")).to_have_text("Server-side detection", timeout=AT_ONCE)
    expect(page.locator("#task")).to_have_text("frame 18")
    expect(page.get_by_role("slider")).to_have_attribute("aria-valuetext", re.compile("^Server-side detection"))
    assert viewer.complaints == []


def test_the_token_opens_the_live_connection_too(tmp_path: Path, viewer: Visitor) -> None:
    token = "open-sesame/of~2"
    (tmp_path / "token").write_text(token, "utf-8")
    with ExitStack() as stack:
        world = World(tmp_path, stack, "--token-file", str(tmp_path / "token"))
        viewer.page.goto(world.bridge.url)
        viewer.page.get_by_label("demands a token").fill(token)
        viewer.page.get_by_role("button", name="Use").click()
        expect(viewer.page.locator("#link")).to_have_text("Live")
        world.monitors[0].report(status="sending")
        expect(card(viewer.page, "M1").locator(".lit")).to_have_attribute("data-lamp", "sending", timeout=AT_ONCE)
