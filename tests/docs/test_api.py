"""docs/api.md against what both services really answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from castray_bridge.probes.failures import FAILURES
from castray_bridge.snapshot.render import pushed
from castray_bridge.sources.cluster import Cluster, Node
from castray_bridge.sources.inventory import Expected
from castray_bridge.web.access import DELTA_PROTOCOL
from castray_bridge.web.viewer import MAX_DISTANCE, Viewer
from exporter import report
from exporter.board import Reading
from exporter.status import records
from exporter.web import api
from servicekit.address import Address
from testkit.bridge_world import M1, World, good
from testkit.deltas import DeltaClient
from testkit.fake_client import FakeClient
from testkit.monitors import running_monitor
from testkit.paths import ROOT
from testkit.sources import node

TEXT = (ROOT / "docs" / "api.md").read_text("utf-8")
REPORT = {"status": "sending", "message": "m", "current_task": "t", "task_info": {"a": 1}}
MONITOR, BRIDGE = "Node monitor", "CastRay bridge"
OWN = {"/", "/metrics", "/api/openapi.json"}
"""Pages for people, and what has a format and a documentation of its own."""


def part(service: str, endpoint: str) -> str:
    """Return the text about `endpoint`, e.g. `GET /api/status`."""
    chapter = TEXT.partition(f"\n## {service}\n")[2].partition("\n## ")[0]
    assert f"### {endpoint}\n" in chapter, f"{service}: nothing about {endpoint}"
    return chapter.partition(f"### {endpoint}\n")[2].partition("\n### ")[0]


def fields(text: str) -> dict[str, set[str]]:
    """Return the types of the fields of the last table in `text`."""
    table = text[text.rindex("| field |") :]
    rows = re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", table, re.MULTILINE)
    return {path: set(re.split(r", | or ", types.strip())) for path, types in rows}


def kind(value: Any) -> set[str]:
    """Return the names that the type of a JSON value may go by."""
    if value is None:
        return {"null"}
    if isinstance(value, bool):
        return {"boolean"}
    if isinstance(value, int):
        return {"integer", "number"}
    return {{float: "number", str: "string", dict: "object", list: "array"}[type(value)]}


def leaves(value: Any, opaque: set[str], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield `(path, value)`; what the document calls an object is not looked into."""
    if path in opaque:
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(item, opaque, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, opaque, f"{path}[]")
    else:
        yield path, value


def agrees(reply: Any, service: str, endpoint: str) -> None:
    documented = fields(part(service, endpoint))
    opaque = {path for path, types in documented.items() if "object" in types}
    seen: dict[str, Any] = {}
    for path, value in leaves(reply, opaque):
        assert path in documented, f"{endpoint}: {path} is not documented"
        assert kind(value) & documented[path], f"{endpoint}: {path} is {value!r}"
        seen[path] = value
    assert documented.keys() == seen.keys()


@pytest.fixture(scope="module")
def monitor_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with running_monitor(tmp_path_factory.mktemp("journal"), board=Reading(0.5, (("CPU-therm", 54.5),))) as monitor:
        yield monitor.app


@pytest.fixture(scope="module")
def world() -> World:
    inventory = [Expected("M1", "127.0.0.1", {"room": "A1"})]
    world = World(inventory=inventory)
    world.publish(M1, good())
    return world


@pytest.mark.parametrize(
    ("path", "asked"),
    [(path, path) for path in ("/api/status", "/api/health", "/api/alerts", "/api/history")]
    + [("/api/nodes/{node_id}/status", "/api/nodes/M5/status")],
)
def test_reply_of_the_monitor_is_as_documented(monitor_app: Flask, path: str, asked: str) -> None:
    client = monitor_app.test_client()
    agrees(client.post("/api/update_status", json=REPORT).get_json(), MONITOR, "POST /api/update_status")
    agrees(client.get(asked).get_json(), MONITOR, f"GET {path}")


def unit(each: report.WireField) -> str:
    return f"{each.unit} " if each.unit else ""


def test_table_of_a_report_is_made_from_its_one_description() -> None:
    body = part(MONITOR, "POST /api/update_status").partition("\nReply:")[0]
    rows = [line for line in body.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{each.key}` | {each.kind.words}{'' if each.is_required else ' or null'} | {unit(each)}| {each.text} |"
        for each in report.WIRE_FIELDS
    ]


@pytest.mark.parametrize(
    ("endpoint", "start", "words"),
    [
        ("GET /api/status", "`?wait=", f"{api.MAX_WAIT:g} at most"),
        ("GET /api/alerts", "`?limit=", f"{records.ALERTS_LIMIT:,} are kept"),
        ("GET /api/alerts", "`?limit=", f"at most {api.ALERTS_LIMIT:,}"),
        ("GET /api/history", "`?since=", f"newest {api.HISTORY_LIMIT:,} entries"),
        ("GET /api/history", "which is", f"last {records.TRANSITIONS_LIMIT:,} are kept"),
    ],
)
def test_bounds_are_documented_as_they_are(endpoint: str, start: str, words: str) -> None:
    line = next(line for line in part(MONITOR, endpoint).splitlines() if line.startswith(start))
    assert words in line


@pytest.mark.parametrize(
    ("path", "asked"),
    [(path, path) for path in ("/api/ray-dashboard", "/api/nodes/unified", "/sd/prometheus", "/api/health")]
    + [("/api/nodes/{node_id}/status", "/api/nodes/M1/status"), ("/api/history", "/api/history?node=M1&minutes=1")],
)
def test_reply_of_the_bridge_is_as_documented(world: World, path: str, asked: str) -> None:
    agrees(world.get(asked), BRIDGE, f"GET {path}")


def test_message_of_the_websocket_is_as_documented(world: World) -> None:
    message = {"type": "cluster_status", "data": json.loads(pushed(world.bridge.store.snapshot()))}
    agrees(message, BRIDGE, "WS /ws")


def test_example_of_deltas_is_what_the_bridge_sends_and_a_client_makes_the_list_of_it() -> None:
    world, client, kept = World(), FakeClient(DELTA_PROTOCOL), DeltaClient()
    viewer = Viewer(client, "", 0.0)  # type: ignore[arg-type] # all that it needs of a client
    m1, m2, m3 = (node(f"M{n}", f"10.0.0.{n}", nodeId=node_id) for n, node_id in ((1, "a1"), (2, "b2"), (3, "c3")))
    idle = good(status="idle", latest_state={})

    def listed(*nodes: Node) -> None:
        world.source.cluster = Cluster(nodes)
        world.bridge.poller.refresh()

    def resync() -> None:
        client.says.append("resync")
        viewer.hear()

    listed(m1, m2)
    world.publish(Address("10.0.0.1", 8000), idle)
    world.publish(Address("10.0.0.2", 8000), idle)
    events: list[Callable[[], None]] = [
        lambda: None,
        lambda: world.publish(
            Address("10.0.0.1", 8000), good(status="sending", latest_state={"current_task": "frame 17"})
        ),
        lambda: listed(m1, m3),
        lambda: None,
        resync,
    ]
    text = part(BRIDGE, "WS /ws, subprotocol castray.delta.v1").partition("```json\n")[2].partition("```")[0]
    documented = [json.loads(message) for message in re.split(r"\n(?=\{)", text.strip())]
    for number, (happen, message) in enumerate(zip(events, documented, strict=True)):
        happen()
        viewer.offer(world.bridge.store.snapshot(), number * MAX_DISTANCE)
        (sent,) = client.messages()
        kept.take(sent)
        assert kept.nodes == world.bridge.nodes()
        nodes, shown = sent["data"].pop("nodes"), message["data"].pop("nodes")
        assert message == sent
        for whole, part_shown in zip(nodes, shown, strict=True):
            is_whole = "name" in whole
            assert part_shown == ({key: whole[key] for key in part_shown} if is_whole else whole)


def test_every_endpoint_is_documented(monitor_app: Flask, world: World) -> None:
    for service, app in ((MONITOR, monitor_app), (BRIDGE, world.client.application)):
        for rule in app.url_map.iter_rules():
            if rule.rule in OWN or rule.rule.startswith("/static/"):
                continue
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            method = "WS" if rule.websocket or path == "/ws" else "POST" if "POST" in (rule.methods or ()) else "GET"
            part(service, f"{method} {path}")


def test_table_of_failures_is_the_documented_one() -> None:
    chapter = TEXT.partition("\n## Reasons of failure\n")[2]
    rows = [line for line in chapter.splitlines() if line.startswith("| `")]
    assert rows == [
        f"| `{row.name.replace('http_error', 'http_NNN')}` | {row.en} | {row.zh} | {row.advice_en} | {row.advice_zh} |"
        for row in FAILURES
    ]
