"""docs/api.md against what both services really answer."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from castray_bridge.snapshot.render import push
from exporter import report
from exporter.status import records
from exporter.web import api
from exporter.web.openapi import description
from testkit.monitors import running_monitor
from testkit.paths import ROOT
from tests.castray_bridge.web.test_api import M1, World, good

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
    with running_monitor(tmp_path_factory.mktemp("journal")) as monitor:
        yield monitor.app


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    world.answer(M1, good())
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


def test_fields_of_a_report_are_those_that_the_monitor_describes() -> None:
    schema = description()["paths"]["/api/update_status"]["post"]["requestBody"]["content"]["application/json"][
        "schema"
    ]
    body = fields(part(MONITOR, "POST /api/update_status").partition("\nReply:")[0])
    assert body.keys() == schema["properties"].keys()
    for name, property_ in schema["properties"].items():
        types = {option["type"] for option in property_.get("anyOf", [property_])}
        assert types | ({"null"} if property_.get("nullable") else set()) == body[name], name


@pytest.mark.parametrize(
    ("endpoint", "start", "words"),
    [
        ("POST /api/update_status", "| `message` ", f"{report.MESSAGE_LIMIT:,} characters"),
        ("POST /api/update_status", "| `current_task` ", f"{report.TASK_LIMIT:,} characters"),
        ("POST /api/update_status", "| `task_info` ", f"{report.TASK_INFO_LIMIT // 1024} KiB"),
        ("POST /api/update_status", "| `ttl` ", f"{report.TTL_MIN:g} to {report.TTL_MAX:,.0f}"),
        ("POST /api/update_status", "| `processed` ", f"at most {report.INCREMENT_LIMIT:,}"),
        ("POST /api/update_status", "| `inference_seconds` ", f"{report.DURATIONS_LIMIT:,}, each at most"),
        ("POST /api/update_status", "| `inference_seconds` ", f"each at most {report.DURATION_LIMIT:,.0f}"),
        ("POST /api/update_status", "| `session` ", f"1 to {report.SESSION_LIMIT} characters"),
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
    agrees(json.loads(push(world.bridge.store.snapshot())), BRIDGE, "WS /ws")


def test_every_endpoint_is_documented(monitor_app: Flask, world: World) -> None:
    for service, app in ((MONITOR, monitor_app), (BRIDGE, world.client.application)):
        for rule in app.url_map.iter_rules():
            if rule.rule in OWN or rule.rule.startswith("/static/"):
                continue
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            method = "WS" if rule.websocket or path == "/ws" else "POST" if "POST" in (rule.methods or ()) else "GET"
            part(service, f"{method} {path}")


def test_every_reason_of_an_unreachable_node_is_listed_and_has_words_on_the_wall() -> None:
    row = next(line for line in TEXT.splitlines() if line.startswith("| `data.nodes[].workStatusError`"))
    listed = {re.sub(r"http_\d+", "http_error", reason) for reason in re.findall(r"`([a-z_0-9]+)`", row)}
    words = (ROOT / "castray_bridge" / "static" / "text.js").read_text("utf-8")
    found = re.findall(r"reason_(\w+):", words)
    assert listed == set(found) - {"other"}
    assert all(found.count(reason) == 2 for reason in listed)
