"""The wall's list of nodes, made of whole lists and deltas, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from testkit.browser import visitor
from testkit.fake_bridge import FakeBridge

PLAY = """async (messages) => {
  const { GapError, NodeList } = await import("./static/delta.js");
  const list = new NodeList();
  return messages.map((message) => {
    let changed = null;
    const before = new Map(list.nodes.map((node) => [node.nodeId, node]));
    const was = JSON.stringify(list.nodes);
    try {
      changed = list.apply(message);
    } catch (error) {
      if (!(error instanceof GapError)) throw error;
      return { gap: true, kept: was === JSON.stringify(list.nodes) };
    }
    const same = list.nodes.filter((node) => before.get(node.nodeId) === node).map((node) => node.nodeId);
    return { nodes: [...list.nodes], summary: list.summary, changed: changed && [...changed], same };
  });
}"""
"""JavaScript function that applies messages to one list and returns what came of each."""


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    with FakeBridge() as bridge, visitor(browser) as viewer:
        viewer.page.goto(bridge.url)
        yield viewer.page


def whole(seq: int | None, *nodes: dict[str, Any], **summary: int) -> dict[str, Any]:
    counted = {} if seq is None else {"seq": seq}
    return {"type": "cluster_status", **counted, "data": {"nodes": list(nodes), "summary": summary}}


def delta(seq: int, *nodes: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"type": "cluster_delta", "seq": seq, "data": {"nodes": list(nodes), **data}}


A = {"nodeId": "a", "workStatus": "idle", "currentTask": "frame 1"}
B = {"nodeId": "b", "workStatus": "idle"}


def test_whole_list_replaces_all(page: Page) -> None:
    first, second = page.evaluate(PLAY, [whole(0, A, B, total=2), whole(1, B, total=1)])
    assert (first["nodes"], first["summary"], first["changed"]) == ([A, B], {"total": 2}, None)
    assert (second["nodes"], second["summary"], second["changed"]) == ([B], {"total": 1}, None)


def test_delta_replaces_the_members_that_it_names_and_leaves_other_nodes_as_they_are(page: Page) -> None:
    change = delta(1, {"nodeId": "a", "workStatus": "sending", "currentTask": None})
    *_, after = page.evaluate(PLAY, [whole(0, A, B, total=2), change])
    assert after["nodes"] == [{"nodeId": "a", "workStatus": "sending", "currentTask": None}, B]
    assert (after["changed"], after["same"], after["summary"]) == (["a"], ["b"], {"total": 2})


def test_whole_node_replaces_or_joins_and_gone_ones_leave(page: Page) -> None:
    change = delta(1, {"nodeId": "a", "whole": True}, {"nodeId": "c", "whole": True}, gone=["b"], summary={"total": 7})
    *_, after = page.evaluate(PLAY, [whole(0, A, B, total=2), change])
    assert after["nodes"] == [{"nodeId": "a"}, {"nodeId": "c"}]
    assert (after["changed"], after["summary"]) == (["a", "c"], {"total": 7})


def test_sign_of_life_changes_nothing(page: Page) -> None:
    first, after = page.evaluate(PLAY, [whole(0, A, B), delta(1)])
    assert (after["nodes"], after["changed"], after["same"]) == (first["nodes"], [], ["a", "b"])


@pytest.mark.parametrize(
    "broken",
    [
        delta(2, {"nodeId": "a", "workStatus": "sending"}),
        delta(0, {"nodeId": "a", "workStatus": "sending"}),
        delta(1, {"nodeId": "a", "workStatus": "sending"}, {"nodeId": "x", "workStatus": "sending"}, gone=["b"]),
    ],
    ids=["lost", "repeated", "unknown node"],
)
def test_gap_changes_nothing_and_the_next_whole_list_ends_it(page: Page, broken: dict[str, Any]) -> None:
    _, gap, whole_again, after = page.evaluate(PLAY, [whole(0, A, B), broken, whole(5, A), delta(6)])
    assert gap == {"gap": True, "kept": True}
    assert (whole_again["changed"], after["changed"]) == (None, [])


def test_delta_without_a_list_before_it_is_a_gap(page: Page) -> None:
    assert [each["gap"] for each in page.evaluate(PLAY, [delta(0)])] == [True]
    *_, after_uncounted = page.evaluate(PLAY, [whole(None, A), delta(1)])
    assert after_uncounted["gap"]
