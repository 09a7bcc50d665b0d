"""The wall's connection to the bridge, in a real browser: gaps, and bridges without deltas."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, WebSocketRoute

from castray_bridge.web.access import DELTA_PROTOCOL
from testkit.browser import Visitor
from testkit.fake_bridge import FakeBridge, node
from testkit.net import wait_for

WATCH = """async () => {
  const { Connection } = await import("./static/connection.js");
  window.seen = [];
  const note = ({ nodes }, changed) => seen.push([nodes.map((node) => node.workStatus), changed && [...changed]]);
  window.connection = new Connection(note, () => {});
  connection.start();
}"""
"""JavaScript function that starts a connection and notes what it delivers."""


def watch(viewer: Visitor, bridge: FakeBridge) -> Page:
    """Open a page of the bridge that is not the wall, which has a connection of its own."""
    viewer.page.goto(bridge.url + "nothing")
    viewer.page.evaluate(WATCH)
    return viewer.page


def until(page: Page, script: str, what: str, seconds: float = 10) -> None:
    def holds() -> bool:
        page.wait_for_timeout(50)  # lets playwright serve the routed WebSockets
        return bool(page.evaluate(script))

    wait_for(holds, what, seconds)


def test_gap_is_answered_with_a_request_for_the_whole_list(viewer: Visitor) -> None:
    sent: list[str] = []

    def serve(socket: WebSocketRoute) -> None:
        def message(kind: str, seq: int, *nodes: dict[str, Any]) -> None:
            socket.send(json.dumps({"type": kind, "seq": seq, "data": {"nodes": list(nodes), "summary": {}}}))

        def reply(text: str | bytes) -> None:
            sent.append(str(text))
            message("cluster_status", 4, node("M1", "sending"))
            message("cluster_delta", 5, {"nodeId": "id-of-M1", "workStatus": "idle"})

        socket.on_message(reply)
        message("cluster_status", 0, node("M1", "idle"))
        message("cluster_delta", 1, {"nodeId": "id-of-M1", "workStatus": "detecting"})
        message("cluster_delta", 3, {"nodeId": "id-of-M1", "workStatus": "unknown"})
        message("cluster_delta", 4, {"nodeId": "id-of-M1", "workStatus": "unknown"})

    viewer.page.route_web_socket("**/ws", serve)
    with FakeBridge() as bridge:
        page = watch(viewer, bridge)
        until(page, "seen.length >= 4", "all messages")
        assert page.evaluate("seen") == [
            [["idle"], None],
            [["detecting"], ["id-of-M1"]],
            [["sending"], None],
            [["idle"], ["id-of-M1"]],
        ]
    assert sent == ["resync"]


def test_bridge_without_deltas_is_read_by_whole_lists(viewer: Visitor) -> None:
    with FakeBridge(node("M1", "idle"), has_deltas=False) as bridge:
        page = watch(viewer, bridge)
        until(page, "connection.state === 'live'", "the connection without deltas", 20)
        bridge.show(node("M1", "sending"))
        until(page, "seen.at(-1)[0][0] === 'sending'", "the change")
        assert page.evaluate("seen.every(([, changed]) => changed === null)")
    viewer.complaints.clear()  # the browser reports each refused connection


def test_bridge_that_was_away_is_asked_for_deltas_again(viewer: Visitor) -> None:
    offered: Callable[[], list[str]] = lambda: viewer.page.evaluate("offered")  # noqa: E731
    viewer.page.add_init_script(
        "window.offered = []; const Socket = WebSocket;"
        "window.WebSocket = class extends Socket { constructor(url, protocols) { super(url, protocols); "
        "offered.push(String(protocols)); } };"
    )
    with FakeBridge(node("M1", "idle")) as bridge:
        page = watch(viewer, bridge)
        until(page, "connection.state === 'live'", "the first connection")
        bridge.stop()
        until(page, "offered.length >= 3", "two attempts in vain", 20)
        bridge.start()
        until(page, "connection.state === 'live'", "the connection again", 20)
        assert set(offered()) == {DELTA_PROTOCOL}
    viewer.complaints.clear()
