"""Write access: networks, tokens, and what a request must look like."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request
from werkzeug.exceptions import HTTPException

from exporter.web.access import BODY_LIMIT, WritePolicy, networks

PEER = "198.51.100.9"


def verdict(policy: WritePolicy, peer: str = PEER, **fields: Any) -> int:
    """Return the HTTP status of a small JSON write from `peer`."""
    environ = {"REMOTE_ADDR": peer}
    with Flask("app").test_request_context(method="POST", environ_base=environ, **({"json": {}} | fields)):
        try:
            policy.check(request)
        except HTTPException as error:
            return error.code or 0
    return 200


@pytest.mark.parametrize(
    ("peer", "code"),
    [
        ("127.0.0.1", 200),
        ("127.255.3.4", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("10.9.8.7", 200),
        ("::ffff:10.9.8.7", 200),
        ("fd00::7%eth0", 200),
        ("192.0.2.7", 403),
        ("::2", 403),
        ("", 403),
        ("not an address", 403),
    ],
)
def test_loopback_and_the_trusted_networks_may_write(peer: str, code: int) -> None:
    assert verdict(WritePolicy(networks("10.0.0.0/8, fd00::/8")), peer) == code


def test_without_networks_and_token_only_loopback_may_write() -> None:
    assert [verdict(WritePolicy(), peer) for peer in ("127.0.0.1", "::1", PEER)] == [200, 200, 403]


@pytest.mark.parametrize(
    ("header", "peer", "code"),
    [
        ("Bearer right", PEER, 200),
        ("bearer right", PEER, 200),
        ("Bearer wrong", PEER, 401),
        ("Bearer wrong", "127.0.0.1", 401),
        ("Basic right", PEER, 403),
        ("", "127.0.0.1", 200),
    ],
)
def test_token_lets_any_peer_write_and_a_wrong_one_none(header: str, peer: str, code: int) -> None:
    assert verdict(WritePolicy(token="right"), peer, headers={"Authorization": header}) == code


def test_token_that_is_not_configured_is_ignored() -> None:
    headers = {"Authorization": "Bearer anything"}
    assert [verdict(WritePolicy(), peer, headers=headers) for peer in ("127.0.0.1", PEER)] == [200, 403]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"headers": {"Origin": "http://127.0.0.1:8000"}}, 403),
        ({"json": None, "data": "{}", "content_type": "text/plain"}, 415),
        ({"json": None, "data": "status=idle", "content_type": "application/x-www-form-urlencoded"}, 415),
        ({"json": None, "data": "x" * BODY_LIMIT, "content_type": "application/json"}, 200),
        ({"json": None, "data": "x" * (BODY_LIMIT + 1), "content_type": "application/json"}, 413),
    ],
)
def test_write_must_be_small_json_and_no_page(fields: dict[str, Any], code: int) -> None:
    assert verdict(WritePolicy(), "127.0.0.1", **fields) == code


def test_networks_are_read_with_spaces_and_the_wrong_one_is_named() -> None:
    assert [str(network) for network in networks(" 10.0.0.0/8,192.0.2.7 ,, ::1")] == [
        "10.0.0.0/8",
        "192.0.2.7/32",
        "::1/128",
    ]
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        networks("10.0.0.1/8")
