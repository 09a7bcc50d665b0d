"""`python -m bench.wall_page URL MINUTES`: the wall at URL in Chromium, measured; the figures as JSON.

A process of its own, because a page whose main thread is overloaded answers no question, and no call to it ends.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Final

from playwright.sync_api import CDPSession

from testkit.browser import Visitor, chromium, visitor
from testkit.net import wait_for

_SHARE_SECONDS: Final = 20.0
_SAMPLES: Final = 12
_FIRST_PAINT: Final = """
new MutationObserver((_, observer) => {
  if (document.getElementById("wall")?.getAttribute("aria-busy") !== "false") return;
  observer.disconnect();
  // The second frame begins when the first, with the nodes in it, has been painted.
  requestAnimationFrame(() => requestAnimationFrame(() => (globalThis.firstNodesAt = performance.now())));
}).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["aria-busy"] });
"""


class _Metrics:
    """Chromium's own figures of a page."""

    def __init__(self, viewer: Visitor) -> None:
        self._session: CDPSession = viewer.page.context.new_cdp_session(viewer.page)
        self._session.send("Performance.enable")

    def now(self) -> dict[str, float]:
        """Return all of them, in seconds, bytes and numbers."""
        told = self._session.send("Performance.getMetrics")["metrics"]
        return {metric["name"]: metric["value"] for metric in told}

    def heap(self) -> float:
        """Return the megabytes of JavaScript after a collection of garbage."""
        self._session.send("HeapProfiler.collectGarbage")
        return self.now()["JSHeapUsedSize"] / 1e6


def main(url: str, minutes: float) -> dict[str, Any]:
    """Open the wall, wait until it shows nodes, and watch it; its memory for so many minutes."""
    with chromium() as browser, visitor(browser, viewport={"width": 1920, "height": 1080}) as viewer:
        viewer.page.add_init_script(_FIRST_PAINT)
        viewer.page.goto(url)
        first = wait_for(lambda: viewer.page.evaluate("globalThis.firstNodesAt"), "the first nodes", 60)
        print("shown", flush=True)
        time.sleep(3)  # what the page loads once
        metrics = _Metrics(viewer)
        before = metrics.now()
        time.sleep(_SHARE_SECONDS)
        after = metrics.now()
        seconds = after["Timestamp"] - before["Timestamp"]
        return {
            "first_ms": first,
            "task_seconds": 100 * (after["TaskDuration"] - before["TaskDuration"]) / seconds,
            "on_processor": 100 * (after["ThreadTime"] - before["ThreadTime"]) / seconds,
            "elements": after["Nodes"],
            "heaps": _watch_heap(metrics, minutes),
            "complaints": viewer.complaints,
        }


def _watch_heap(metrics: _Metrics, minutes: float) -> list[float]:
    heaps = []
    for _ in range(_SAMPLES):
        time.sleep(60 * minutes / _SAMPLES)
        heaps.append(metrics.heap())
    return heaps


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], float(sys.argv[2]))), flush=True)
