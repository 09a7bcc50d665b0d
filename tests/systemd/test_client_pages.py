"""Pages of another origin that make droneOnCampus' calls: at CastRay before, and through the gateway after."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from testkit.binaries import require
from testkit.browser import Visitor
from testkit.client_pages import PAGES, client, open_page
from testkit.gateway_site import GatewaySite
from testkit.net import wait_for
from testkit.web import WebServer


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewaySite]:
    require("nginx")
    with ExitStack() as stack:
        yield GatewaySite(tmp_path_factory.mktemp("gateway"), stack, nodes=2)


@pytest.fixture(scope="module")
def pages() -> Iterator[WebServer]:
    with client() as server:
        yield server


def test_page_of_nodes_has_lights_only_through_the_gateway(
    site: GatewaySite, pages: WebServer, viewer: Visitor
) -> None:
    assert site.monitor.report(status="sending", current_task="frame 17").ok
    wait_for(lambda: "frame17" in site.list_text(), "the light", 20)
    before = open_page(viewer, pages, "nodes", site.castray.url).locator("section").all_inner_texts()
    assert [card.splitlines()[-1] for card in before] == ["no light", "no light"]
    page = open_page(viewer, pages, "nodes", site.url)
    assert page.locator("#M5 .light").inner_text() == "▲ Server-side detection"
    assert page.locator("#M5 p").last.inner_text() == "frame 17"
    assert page.locator("#M6 .light").inner_text() == "✕ No answer"
    assert site.monitor.report(status="detecting").ok
    page.get_by_text("◆ Detecting").wait_for()  # by the WebSocket: the page asks only once
    assert viewer.complaints == []


@pytest.mark.parametrize("name", [name for name in PAGES if name != "nodes"])
def test_other_pages_show_the_same_through_the_gateway(
    site: GatewaySite, pages: WebServer, viewer: Visitor, name: str
) -> None:
    shown = []
    for url in (site.castray.url, site.url):
        page = open_page(viewer, pages, name, url)
        shown.append([row.split("\t")[1:] for row in page.locator("tbody tr").all_inner_texts()])
    assert shown[0] == shown[1] != []
    assert viewer.complaints == []


def test_page_shows_why_castray_does_not_reply(site: GatewaySite, pages: WebServer, viewer: Visitor) -> None:
    with site.without_castray():
        page = open_page(viewer, pages, "maintenance", site.url)
        assert "CastRay does not reply" in page.locator(".error").first.inner_text()
        assert open_page(viewer, pages, "nodes", site.url).locator("#M5 .light").count() == 1
