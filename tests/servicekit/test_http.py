"""What both services answer alike."""

from __future__ import annotations

import logging

import pytest
from flask import Flask, abort
from flask.testing import FlaskClient

from servicekit.http import answer_errors_as_json, require_known_host


@pytest.fixture
def internal_errors() -> list[None]:
    return []


@pytest.fixture
def client(internal_errors: list[None]) -> FlaskClient:
    app = Flask(__name__)
    answer_errors_as_json(app, lambda: internal_errors.append(None))
    require_known_host(app, ["M1", "board.lan"])

    @app.get("/fine")
    def fine() -> str:
        return "fine"

    @app.get("/refuse")
    def refuse() -> None:
        abort(409, "not now")

    @app.get("/crash")
    def crash() -> None:
        raise RuntimeError("secret detail")

    return app.test_client()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/refuse", 409), ("GET", "/absent", 404), ("POST", "/fine", 405), ("BREW", "/fine", 405)],
)
def test_every_refusal_is_json(client: FlaskClient, method: str, path: str, status: int) -> None:
    reply = client.open(path, method=method)
    assert reply.status_code == status
    assert set(reply.get_json()) == {"error"}


def test_a_refusal_says_why(client: FlaskClient) -> None:
    assert client.get("/refuse").get_json() == {"error": "not now"}


def test_a_crash_is_counted_logged_and_shown_to_nobody(
    client: FlaskClient, internal_errors: list[None], caplog: pytest.LogCaptureFixture
) -> None:
    reply = client.get("/crash")
    assert (reply.status_code, reply.get_json()) == (500, {"error": "internal error"})
    assert len(internal_errors) == 1
    assert "secret detail" in caplog.text


def test_a_series_of_crashes_is_all_counted_but_not_all_logged(
    client: FlaskClient, internal_errors: list[None], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        for _ in range(20):
            client.get("/crash")
    assert len(internal_errors) == 20
    assert len(caplog.records) == 5


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8000",
        "127.0.0.1",
        "10.0.0.7:8000",
        "[::1]",
        "[fe80::1]:8000",
        "m1",
        "M1:8000",
        "board.lan",
        "board.lan:",
    ],
)
def test_a_known_host_is_served(client: FlaskClient, host: str) -> None:
    assert client.get("/fine", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1.evil.example",
        "[evil]",
        "[::1]evil.example",
        "[::1]:80evil.example",
        "[::1",
        "localhost:@evil.example",
        "localhost:80:80",
        "127.1",
        "m1.evil.example",
        "[",
        ":80",
    ],
)
def test_an_unknown_host_is_misdirected(client: FlaskClient, host: str) -> None:
    reply = client.get("/fine", headers={"Host": host})
    assert reply.status_code == 421
    assert "error" in reply.get_json()
