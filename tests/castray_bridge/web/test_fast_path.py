"""Replies before Flask: the same as Flask's, for the same readers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from castray_bridge.refresher import MAX_AGE
from castray_bridge.web.access import Access
from castray_bridge.web.fast_path import FastPath
from testkit.bridge_world import World

ORIGINS, TOKEN = ("http://a", "http://b:81"), "right"
ACCESSES = {
    "open": Access(),
    "token": Access(token=TOKEN),
    "changing token": Access(token=lambda: TOKEN),
    "origins": Access(origins=ORIGINS),
    "all": Access(origins=ORIGINS, token=TOKEN, host_names=frozenset({"head.local"})),
}
HEADERS: list[dict[str, str]] = [
    {},
    {"Host": "evil.example"},
    {"Host": "head.local"},
    {"Host": "10.0.0.1:8001"},
    {"Origin": "http://a"},
    {"Origin": "http://evil"},
    {"Authorization": f"Bearer {TOKEN}"},
    {"Authorization": "Bearer wrong"},
    {"Authorization": f"Bearer {TOKEN}", "Origin": "http://b:81"},
    {"Accept-Encoding": "gzip", "If-None-Match": '"x"'},
    {"If-None-Match": "*"},
]
PATHS = (
    "/api/ray-dashboard",
    "/api/nodes/unified",
    "//api/ray-dashboard",
    "/api/ray-dashboard/",
    "/api/ray%2ddashboard",
)


def fast_path(world: World) -> FastPath:
    found = world.client.application.wsgi_app
    assert isinstance(found, FastPath)
    return found


def ask(app: Any, path: str, method: str = "GET", **headers: str) -> tuple[str, list[tuple[str, str]], bytes]:
    """Return status, headers and body of the reply of a WSGI application."""
    builder = EnvironBuilder(path, method=method, headers=headers)
    body, status, found = run_wsgi_app(app, builder.get_environ(), buffered=True)
    return status.upper(), sorted((name.title(), value) for name, value in found), b"".join(body)


@pytest.mark.parametrize("access", ACCESSES.values(), ids=ACCESSES)
@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_reply_is_the_same_as_flasks(access: Access, headers: dict[str, str]) -> None:
    world = World(access=access)
    with_flask = fast_path(world)._app
    for path in (*PATHS, f"{PATHS[0]}?_=1764000000"):
        for method in ("GET", "HEAD", "OPTIONS", "POST"):
            assert ask(fast_path(world), path, method, **headers) == ask(with_flask, path, method, **headers)


def taken(world: World, path: str, **headers: str) -> bool:
    """Return whether the request is answered without Flask."""
    asked = []

    def app(environ: Any, start_response: Any) -> Iterable[bytes]:
        asked.append(environ)
        start_response("200 OK", [])
        return [b""]

    path_alone = fast_path(world)
    path_alone._app = app
    ask(path_alone, path, **headers)
    return not asked


@pytest.mark.parametrize("path", [*PATHS[:2], f"{PATHS[0]}?_=1764000000"])
def test_plain_request_does_not_reach_flask(path: str) -> None:
    assert taken(World(), path)
    assert taken(World(access=ACCESSES["all"]), path, Authorization=f"Bearer {TOKEN}", Host="head.local")


@pytest.mark.parametrize("path", ["/api/health", "/metrics", "/", "//api/ray-dashboard"])
def test_other_request_reaches_flask(path: str) -> None:
    assert not taken(World(), path)


def test_list_that_is_too_old_is_flasks(world: World) -> None:
    world.clock.pass_(MAX_AGE + 1)
    assert not taken(world, PATHS[0])


def test_unexpected_error_is_flasks_to_tell_and_to_count(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("castray_bridge.snapshot.render.dashboard", lambda *_: 1 / 0)
    reply = world.client.get("/api/ray-dashboard")
    assert (reply.status_code, reply.get_json()) == (500, {"error": "internal error"})
    assert "castray_bridge_http_errors_total 1.0" in world.client.get("/metrics").get_data(as_text=True)
