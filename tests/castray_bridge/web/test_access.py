"""Access control: origins, token, host names."""

from __future__ import annotations

import pytest

from castray_bridge.web.access import BEARER_PROTOCOL, Access, bearer_protocols
from testkit.bridge_world import World


@pytest.mark.parametrize("path", ["/api/ray-dashboard", "/metrics", "/sd/prometheus"])
def test_foreign_host_name_is_misdirected(world: World, path: str) -> None:
    assert world.client.get(path, headers={"Host": "evil.example"}).status_code == 421


PREFLIGHT_HEADERS = "Authorization, Cache-Control, Content-Type, X-Requested-With"


def test_token_guards_the_data_but_not_page_and_health() -> None:
    client = World(access=Access(token="right")).client
    assert client.get("/").status_code == 200
    assert client.get("/api/health").status_code == 200
    for path in ("/api/ray-dashboard", "/metrics", "/sd/prometheus", "/ws"):
        assert client.get(path).status_code == 401
        assert client.get(f"{path}?token=right").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer right"}).status_code == 200


@pytest.mark.parametrize(
    ("token", "offered", "code"),
    [
        # 400: admitted, and then told that this is no WebSocket handshake.
        ("right", bearer_protocols("right"), 400),
        ("right", bearer_protocols("wrong"), 401),
        ("right", [BEARER_PROTOCOL], 401),
        ("right", [BEARER_PROTOCOL, "right"], 401),
        ("right", bearer_protocols("right")[1:], 401),
        ("right", ["chat", *reversed(bearer_protocols("right"))], 400),
        ("a b/ü+{}", bearer_protocols("a b/ü+{}"), 400),
    ],
)
def test_websocket_takes_the_token_as_a_subprotocol(token: str, offered: list[str], code: int) -> None:
    client = World(access=Access(token=token)).client
    headers = {"Sec-WebSocket-Protocol": ", ".join(offered)}
    assert client.get("/ws", headers=headers).status_code == code
    assert client.get("/metrics", headers=headers).status_code == 401


def test_token_in_a_subprotocol_is_base64url_without_padding() -> None:
    assert bearer_protocols("a>b?c") == ["cmzsb.bearer", "YT5iP2M"]


@pytest.mark.parametrize(
    ("origins", "origin", "granted"),
    [((), "http://a", "*"), (("http://a",), "http://a", "http://a"), (("http://a",), "http://b", None)],
)
def test_page_of_another_origin_may_send_the_token_after_a_preflight(
    origins: tuple[str, ...], origin: str, granted: str | None
) -> None:
    client = World(access=Access(origins=origins, token="right")).client
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    reply = client.options("/api/ray-dashboard", headers=asked)
    assert reply.headers.get("Access-Control-Allow-Origin") == granted
    assert reply.headers.get("Access-Control-Allow-Headers") == (
        "Authorization, Cache-Control, Content-Type, X-Requested-With" if granted else None
    )
    assert (reply.status_code, reply.data) == (200, b"")
    assert client.options("/api/ray-dashboard", headers={"Origin": origin}).status_code == 401
    # The request itself: refused without the token, and readable for the page in either case.
    refused = client.get("/api/ray-dashboard", headers={"Origin": origin})
    assert (refused.status_code, refused.headers.get("Access-Control-Allow-Origin")) == (401, granted)
    shown = client.get("/api/ray-dashboard", headers={"Origin": origin, "Authorization": "Bearer right"})
    assert (shown.status_code, shown.headers.get("Access-Control-Allow-Origin")) == (200, granted)


@pytest.mark.parametrize(
    ("origin", "admitted"),
    [
        ("http://localhost:8001", True),
        ("https://localhost:8001", True),  # behind a proxy that terminates TLS and keeps `Host`
        ("http://good.example", True),
        ("https://good.example", False),
        ("http://localhost", False),
        ("http://localhost:8002", False),
        ("null", False),
        ("http://[evil", False),
        ("", False),
    ],
)
def test_websocket_admits_the_bridges_own_page_and_the_configured_ones(origin: str, admitted: bool) -> None:
    client = World(access=Access(origins=("http://good.example",))).client
    reply = client.get("/ws", headers={"Origin": origin, "Host": "localhost:8001"})
    assert reply.status_code == (400 if admitted else 403)


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [((), "http://a", "*"), (("http://a",), "http://a", "http://a"), (("http://a",), "http://b", None)],
)
def test_pages_of_configured_origins_may_read(origins: tuple[str, ...], origin: str, allowed: str | None) -> None:
    reply = World(access=Access(origins=origins)).client.get("/api/ray-dashboard", headers={"Origin": origin})
    assert reply.headers.get("Access-Control-Allow-Origin") == allowed


def test_token_that_changes_is_the_one_of_now() -> None:
    tokens = ["old"]
    client = World(access=Access(token=lambda: tokens[0])).client

    def status(token: str) -> int:
        return client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code

    assert (status("old"), status("new")) == (200, 401)
    tokens[0] = "new"
    assert (status("old"), status("new")) == (401, 200)


def test_error_is_readable_for_pages_of_other_origins() -> None:
    client = World().client
    for path in ("/api/nodes/M9/status", "/nothing", "/api/history?minutes=x"):
        assert client.get(path, headers={"Origin": "http://a"}).headers["Access-Control-Allow-Origin"] == "*"


def test_unknown_host_is_told_the_option(world: World) -> None:
    reply = world.client.get("/api/health", headers={"Host": "castray.example"})
    assert "--host-names" in reply.get_json()["error"]
