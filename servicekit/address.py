"""IP addresses as text."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple


def is_ip_literal(text: str) -> bool:
    """Return whether `text` is an IP address without a zone; what else names a host is for a resolver to find out."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def host_and_port(host: str, port: int) -> str:
    """Return `host:port` as URLs and `Host` headers have it, with an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Address(NamedTuple):
    """A TCP address to listen on; port 0 lets the system choose a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return host_and_port(self.host, self.port)
