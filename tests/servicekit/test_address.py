"""IP addresses as text."""

from __future__ import annotations

import pytest

from servicekit.address import host_and_port, is_ip_literal


@pytest.mark.parametrize("text", ["10.0.0.1", "::1", "2001:db8::7", "::ffff:10.0.0.1"])
def test_address_is_one(text: str) -> None:
    assert is_ip_literal(text)


@pytest.mark.parametrize(
    "text", ["", "localhost", "10.0.0", "10.0.0.01", "0x7f000001", "2130706433", "[::1]", "fe80::1%eth0", "10.0.0.1:80"]
)
def test_name_is_none(text: str) -> None:
    assert not is_ip_literal(text)


@pytest.mark.parametrize(("host", "text"), [("10.0.0.1", "10.0.0.1:80"), ("::1", "[::1]:80"), ("m1", "m1:80")])
def test_only_addresses_of_ipv6_get_brackets(host: str, text: str) -> None:
    assert host_and_port(host, 80) == text
