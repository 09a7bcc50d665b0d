"""The client of the configured services: its budget, its errors, its abandoned requests."""

from __future__ import annotations

import gc
import inspect
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from castray_bridge.sources.cluster import SourceError
from castray_bridge.sources.json_client import Buffer, JsonClient, decode_strictly
from testkit.hostile import DRIPS, body, reply, says, serving
from testkit.net import free_port, wait_for

BUDGET = 0.4


def fails_within(seconds: float, request: Callable[[], Any], error: str) -> None:
    begun = time.monotonic()
    with pytest.raises(SourceError, match=error):
        request()
    assert time.monotonic() - begun < seconds


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (says(reply(b"boom", "500 Oops")), "^Ray answers 500$"),
        (says(reply(b"", "302 Found", "Location: http://169.254.169.254/\r\n")), "^Ray answers 302$"),
        (says(reply(b"token", "401 Unauthorized")), "^Ray demands a token$"),
        (says(reply(b'{"msg": "limit\\n5", "result": false}', "400 Bad")), r"^Ray answers 400: limit\\u000a5$"),
        (says(reply(b'{"detail": "gone"}', "410 Gone")), "^Ray answers 410: gone$"),
        (says(reply(b'{"detail": ["x"]}', "422 Bad")), "^Ray answers 422$"),
        (says(reply(b"<html>")), "^Ray answers something that is not JSON$"),
        (says(reply(b"\xff\x00")), "^Ray answers something that is not JSON$"),
        (says(b""), "^Ray cannot be reached"),
    ],
)
def test_bad_reply_is_an_error_that_tells_the_reason(behaviour: Any, error: str) -> None:
    client = JsonClient("Ray", explanations={401: "demands a token"})
    with serving(behaviour) as server, pytest.raises(SourceError, match=error):
        client.get(f"http://{server.address}/")


def test_parameters_and_token_are_sent() -> None:
    with serving(says(body([1]))) as server:
        assert JsonClient("Ray", token=lambda: "secret").get(f"http://{server.address}/api", query="a b") == [1]
        (request,) = server.requests
    assert request.startswith(b"GET /api?query=a+b HTTP/1.1\r\n")
    assert b"Authorization: Bearer secret\r\n" in request


@pytest.mark.parametrize(("scheme", "drip"), [*(("http", drip) for drip in DRIPS), ("https", "nothing")])
def test_service_that_drips_is_aborted_when_the_budget_is_spent(scheme: str, drip: str) -> None:
    with serving(DRIPS[drip]) as server:
        client = JsonClient("Ray", budget=BUDGET)
        url = f"{scheme}://{server.address}/"
        fails_within(BUDGET + 0.5, lambda: client.get(url), "Ray does not answer within 0.4 s")
        # The TLS handshake cannot be aborted: it ends by its own timeout.
        wait_for(lambda: "http-request" not in {thread.name for thread in threading.enumerate()}, "its end", 2)


def test_requests_of_one_round_share_the_budget() -> None:
    with serving(DRIPS["header lines"]) as slow, serving(says(body(2))) as fast:
        begun = time.monotonic()
        decoders = {f"http://{server.address}/": decode_strictly for server in (slow, fast)}
        first, second = JsonClient("Ray", budget=BUDGET).get_all(decoders)
        assert time.monotonic() - begun < BUDGET + 0.5
    assert isinstance(first, SourceError)
    assert second == 2


def test_resolver_that_hangs_costs_one_abandoned_thread_which_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    resolve, release, lookups = socket.getaddrinfo, threading.Event(), []

    def hang(host: str, *more: Any, **options: Any) -> Any:
        lookups.append(host)
        release.wait(20)
        return resolve("127.0.0.1", *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    client = JsonClient("Ray", budget=BUDGET)
    with serving(says(body("here"))) as server:
        url = f"http://head.example:{server.address.port}/"
        for _ in range(3):
            fails_within(BUDGET + 0.6, lambda: client.get(url), "does not answer within 0.4 s")
        assert lookups == ["head.example"]
        assert [record.getMessage() for record in caplog.records] == ["request_abandoned service=Ray threads=1"]
        release.set()
        assert client.get(url) == "here"


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    with serving(says(body({}))) as server:
        assert JsonClient("Ray").get(f"http://{server.address}/") == {}


def test_body_is_read_by_the_decoder_of_its_url_and_not_kept() -> None:
    bodies: list[Buffer] = []

    def decode(body: Buffer) -> str:
        bodies.append(body)
        return "read"

    with serving(says(body({"large": "x" * 100}))) as server:
        client = JsonClient("Ray")
        assert client.get(f"http://{server.address}/", decode=decode) == "read"
    (buffer,) = bodies
    assert buffer == b'{"large": "%s"}' % (b"x" * 100)
    assert not [
        referrer for referrer in gc.get_referrers(buffer) if referrer is not bodies and not inspect.isframe(referrer)
    ]


def test_decoder_that_refuses_a_body_makes_it_no_json() -> None:
    with serving(says(body([]))) as server, pytest.raises(SourceError, match="Ray answers something that is not JSON"):
        JsonClient("Ray").get(f"http://{server.address}/", decode=lambda body: int("x"))
