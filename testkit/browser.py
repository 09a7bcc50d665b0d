"""A real Chromium for the tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from testkit.binaries import require

_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-gpu",
    "--no-proxy-server",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run Debian's Chromium; missing, the test is skipped, or fails in CI."""
    executable = require("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Visitor:
    """A browser window, and the errors that its page reported."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.page.set_default_timeout(10_000)
        self.complaints: list[str] = []
        """Errors and warnings of the console, and uncaught exceptions."""
        self.requests: list[str] = []
        """Every address that the page requested, WebSockets too."""
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("websocket", lambda socket: self.requests.append(socket.url))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(text)


@contextmanager
def visitor(browser: Browser, **options: object) -> Iterator[Visitor]:
    """Open a window of its own; `options` are those of playwright's `new_context`."""
    settings: dict[str, object] = {"locale": "en-GB", "viewport": {"width": 1280, "height": 900}}
    context = browser.new_context(**(settings | options))  # type: ignore[arg-type] # passed on as they are
    try:
        yield Visitor(context)
    finally:
        context.close()
