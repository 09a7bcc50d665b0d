"""Entity tags and compression of the lists."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from castray_bridge.refresher import MAX_AGE
from castray_bridge.web.access import Access
from castray_bridge.web.documents import STAMP_SECONDS
from servicekit.clock import rfc3339
from testkit.bridge_world import M1, World, good

PATHS = ("/api/ray-dashboard", "/api/nodes/unified")


@pytest.fixture(params=PATHS)
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def tag(world: World, path: str) -> str:
    return str(world.client.get(path).headers["ETag"])


def test_reader_who_has_the_list_gets_no_body(world: World, path: str) -> None:
    has = tag(world, path)
    reply = world.client.get(path, headers={"If-None-Match": has})
    assert (reply.status_code, reply.data, reply.headers["ETag"]) == (304, b"", has)
    assert reply.headers["Cache-Control"] == "no-cache"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    world.publish(M1, good(status="sending"))
    reply = world.client.get(path, headers={"If-None-Match": has})
    assert (reply.status_code, reply.headers["ETag"] != has) == (200, True)


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ("{}", 304),
        ("W/{}", 304),
        ('"x", W/{}', 304),
        ('W/{} , "x"', 304),
        ("*", 304),
        ('"x"', 200),
        ("", 200),
        ("x", 200),
    ],
)
def test_tag_is_found_in_any_form_of_the_header(world: World, path: str, form: str, status: int) -> None:
    header = form.format(tag(world, path).removeprefix("W/"))
    assert world.client.get(path, headers={"If-None-Match": header}).status_code == status


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("gzip, deflate, br, zstd", "gzip"),
        ("br;q=1.0, gzip;q=0.1", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0", None),
        ("identity", None),
        ("", None),
        (None, None),
    ],
)
def test_body_is_compressed_for_readers_who_take_that(
    world: World, path: str, accepted: str | None, coding: str | None
) -> None:
    plain = world.client.get(path)
    reply = world.client.get(path, headers={} if accepted is None else {"Accept-Encoding": accepted})
    assert reply.headers.get("Content-Encoding") == coding
    assert "Accept-Encoding" in reply.headers["Vary"]
    assert (gzip.decompress(reply.data) if coding else reply.data) == plain.data
    assert len(reply.data) == int(reply.headers["Content-Length"])
    assert reply.headers["ETag"] == plain.headers["ETag"]


def test_compressed_once_per_snapshot(world: World, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    original = gzip.compress
    monkeypatch.setattr("gzip.compress", lambda *given, **more: (calls.append(given), original(*given, **more))[1])
    for _ in range(3):
        world.client.get(path, headers={"Accept-Encoding": "gzip"})
    assert len(calls) == 1


def test_timestamp_follows_the_data_in_steps_so_that_the_tag_lasts(world: World) -> None:
    world.publish(M1, good())
    first, stamped_at = tag(world, PATHS[0]), world.clock.time()
    world.clock.pass_(STAMP_SECONDS - 0.1)
    world.publish(M1, good())
    assert tag(world, PATHS[0]) == first
    assert world.get(PATHS[0])["timestamp"] == rfc3339(stamped_at)
    world.clock.pass_(0.1)
    world.publish(M1, good())
    assert tag(world, PATHS[0]) != first
    assert world.get(PATHS[0])["timestamp"] == rfc3339(world.clock.time())


def test_clock_set_back_is_followed_at_once(world: World) -> None:
    first = tag(world, PATHS[0])
    world.clock.set_wall(world.clock.time() - 3600)
    world.publish(M1, good())
    assert tag(world, PATHS[0]) != first
    assert world.get(PATHS[0])["timestamp"] == rfc3339(world.clock.time())


def test_failure_of_the_source_is_another_reply_at_once(world: World) -> None:
    first = tag(world, PATHS[0])
    world.source.failure = "Ray answers 500"
    world.bridge.poller.refresh()
    reply = world.client.get(PATHS[0], headers={"If-None-Match": first})
    assert json.loads(reply.data)["msg"] == "Ray answers 500"


def test_reply_without_a_usable_list_is_not_to_be_kept(world: World, path: str) -> None:
    world.source.failure = "Ray answers 500"
    world.bridge.poller.refresh()
    world.clock.pass_(MAX_AGE + 1)
    reply = world.client.get(path, headers={"If-None-Match": "*"})
    assert (reply.status_code, reply.headers.get("ETag"), reply.headers["Cache-Control"]) == (503, None, "no-store")


def test_tag_of_another_process_is_another(world: World, path: str) -> None:
    assert tag(world, path) != tag(World(), path)


def test_reply_varies_with_the_origin_where_origins_are_listed(path: str) -> None:
    listed = World(access=Access(origins=("http://a",)))
    assert listed.client.get(path).headers.getlist("Vary") == ["Accept-Encoding", "Origin"]
