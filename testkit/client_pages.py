"""A stand-in for droneOnCampus: three small pages that make the calls of its three, from an origin of their own.

`python -m testkit.client_pages DIRECTORY` takes pictures of them before and after, for docs/castray.md:
at CastRay itself, and through the gateway.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from flask import Flask
from playwright.sync_api import Page

from testkit.browser import Visitor, chromium, visitor
from testkit.gateway_site import GatewaySite
from testkit.net import wait_for
from testkit.web import WebServer

PAGES: Final = ("nodes", "transfer", "maintenance")
_PICTURES: Final = (("nodes", "before"), ("nodes", "after"), ("transfer", "after"), ("maintenance", "after"))
_SIZE: Final = {"width": 820, "height": 340}
_FOLDER: Final = Path(__file__).parent / "client"
_REPORTS: Final = ({"status": "sending", "current_task": "frame 17"}, {"status": "detecting"}, {"status": "idle"})


def client() -> WebServer:
    """Return the server of the pages, not started yet."""
    return WebServer(Flask("client", static_folder=str(_FOLDER), static_url_path=""))


def open_page(viewer: Visitor, server: WebServer, name: str, castray: str) -> Page:
    """Open the page called `name` with the CastRay at `castray`, and wait until it has made its calls."""
    viewer.page.goto(f"{server.url}{name}.html?base={castray}")
    viewer.page.wait_for_selector("section h2" if name == "nodes" else "body[data-done]")
    return viewer.page


def main() -> None:
    """Take the pictures: client-NAME-before.png at CastRay, client-NAME-after.png through the gateway."""
    to = Path(sys.argv[1])
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(client())
        site = GatewaySite(directory, stack, nodes=len(_REPORTS) + 1, monitors=len(_REPORTS))
        for monitor, fields in zip(site.monitors, _REPORTS, strict=True):
            monitor.report(**fields).raise_for_status()
        wait_for(lambda: all(fields["status"] in site.list_text() for fields in _REPORTS), "the lights", 20)
        browser = stack.enter_context(chromium())
        for name, when in _PICTURES:
            with visitor(browser, viewport=_SIZE) as viewer:
                page = open_page(viewer, server, name, site.url if when == "after" else site.castray.url)
                page.screenshot(path=to / f"client-{name}-{when}.png")


if __name__ == "__main__":
    main()
