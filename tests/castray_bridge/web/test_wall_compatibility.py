"""The wall in browsers of 2022, as in kiosk boxes."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Route, expect

import castray_bridge
import servicekit
from exporter.states import SENDING
from testkit.browser import Visitor
from testkit.fake_bridge import FakeBridge, node, unreachable
from testkit.wall import POOR_CONTRASTS, card, open_wall, rgb

STATIC = [Path(castray_bridge.__file__).parent / "static", Path(servicekit.__file__).parent / "static"]


NEW_CSS = r"light-dark\(|color-mix\(|\(width [<>]|^\s+(?:rotate|translate|scale):"


def test_new_css_functions_stand_only_where_the_browser_is_asked_for_them() -> None:
    for path in [path for folder in STATIC for path in folder.glob("*.css")]:
        plain = re.sub(r"@supports [^{]+\{.*?\n\}\n", "", path.read_text("utf-8"), flags=re.DOTALL)
        assert not re.findall(
            r"light-dark\(|color-mix\(|\(width [<>]|^\s+(?:rotate|translate|scale):", plain, re.MULTILINE
        ), path


def test_wall_in_a_browser_of_2022_has_plain_colours_and_data(viewer: Visitor) -> None:
    """Chromium 100 has neither `light-dark()`, `color-mix()` nor `AbortSignal.timeout`: they are taken away here."""
    page = viewer.page
    page.add_init_script("delete AbortSignal.timeout; CSS.supports = () => false;")

    def without_supports(route: Route) -> None:
        reply = route.fetch()
        text = re.sub(r"@supports [^{]+\{.*?\n\}\n", "", reply.text(), flags=re.DOTALL)
        route.fulfill(response=reply, body=text)

    page.route("**/*.css", without_supports)
    with FakeBridge(node("M1", "sending"), unreachable("M2", "timeout")) as bridge:
        bridge.has_websocket = False
        open_wall(viewer, bridge)
        expect(page.locator("#link")).to_have_text("Polling", timeout=10_000)
        expect(card(page, "M1").locator(".state-name")).to_have_text(SENDING.en)
        assert page.locator("body").evaluate(POOR_CONTRASTS) == []
        lamp = card(page, "M1").locator(".lit")
        assert lamp.evaluate("lamp => getComputedStyle(lamp).backgroundColor") == rgb(SENDING)
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(243, 245, 248)"
