"""The names and addresses of this node."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Union

IPAddress = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

_ROUTES: Final = Path("/proc/net/fib_trie")
"""The kernel's IPv4 routes. Each address of the machine is a leaf of its own, secondary addresses included."""
_OWN_IPV4: Final = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL$", re.MULTILINE)
_INTERFACES: Final = Path("/proc/net/if_inet6")
"""One line per IPv6 address, which it begins with in hexadecimal."""


@dataclass(frozen=True)
class LocalIdentity:
    """The node's name, its host name, and the address that the monitor listens on (a wildcard, or empty: any)."""

    node_name: str
    hostname: str
    listen_host: str = ""

    def names(self) -> frozenset[str]:
        """Return the node's names, lower-case."""
        return frozenset(name.lower() for name in (self.node_name, self.hostname) if name)

    def is_me(self, node_id: str) -> bool:
        """Return whether `node_id` is this node's name, host name or one of its IP addresses."""
        if node_id.lower() in self.names():
            return True
        wanted = _address(node_id)
        if wanted is None or wanted.is_unspecified:
            return False
        # Read for each request, because a board may get its address after the monitor started. Of the loopback
        # network the kernel lists 127.0.0.1 only; the monitor may listen on another of its addresses.
        return wanted == _address(self.listen_host) or wanted in (
            ipv4_addresses(_text(_ROUTES)) | ipv6_addresses(_text(_INTERFACES))
        )


def ipv4_addresses(fib_trie: str) -> set[IPAddress]:
    """Return the addresses of this machine in the text of `/proc/net/fib_trie`."""
    return {ipaddress.IPv4Address(address) for address in _OWN_IPV4.findall(fib_trie)}


def ipv6_addresses(if_inet6: str) -> set[IPAddress]:
    """Return the addresses of this machine in the text of `/proc/net/if_inet6`."""
    return {ipaddress.IPv6Address(bytes.fromhex(line[:32])) for line in if_inet6.splitlines()}


def _address(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:  # a kernel without IPv6
        return ""
