"""The wall in a browser: what tests open, find and measure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from playwright.sync_api import Locator, Page

from exporter.states import State
from testkit.browser import Visitor
from testkit.fake_bridge import FakeBridge

POOR_CONTRASTS: Final = (Path(__file__).parent / "contrast.js").read_text("utf-8")
"""JavaScript function of an element that returns the texts in it with too little contrast."""


def open_wall(viewer: Visitor, bridge: FakeBridge, query: str = "") -> Page:
    viewer.page.goto(bridge.url + query)
    viewer.page.wait_for_selector(".card.built, .square")
    return viewer.page


def card(page: Page, name: str) -> Locator:
    return page.locator(".card").filter(has=page.get_by_role("heading", name=name, exact=True))


def square(page: Page, name: str) -> Locator:
    """Return the square of a node by its whole name, with which its label begins."""
    return page.get_by_role("button", name=re.compile(f"^{re.escape(name)}, "))


def names(page: Page) -> list[str]:
    return page.locator(".card .name").all_inner_texts()


def lit(page: Page, name: str) -> list[str | None]:
    return [lamp.get_attribute("data-lamp") for lamp in card(page, name).locator(".lamp.lit").all()]


def rgb(state: State) -> str:
    red, green, blue = (int(state.colour[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgb({red}, {green}, {blue})"
