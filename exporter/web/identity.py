"""The names and addresses that this node answers to."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_ROUTES: Final = Path("/proc/net/fib_trie")
"""The kernel's IPv4 routes. An address of the machine is a leaf of its own, secondary ones as well."""
_OWN_IPV4: Final = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL$", re.MULTILINE)
_INTERFACES: Final = Path("/proc/net/if_inet6")
"""One line per IPv6 address, which it begins with in hexadecimal."""


@dataclass(frozen=True, slots=True)
class LocalIdentity:
    """The node's name and its host name."""

    node_name: str
    hostname: str

    def names(self) -> frozenset[str]:
        """Return the node's names, lower-case."""
        return frozenset(name.lower() for name in (self.node_name, self.hostname) if name)

    def is_me(self, node_id: str) -> bool:
        """Return whether `node_id` is this node's name, host name or one of its IP addresses."""
        if node_id.lower() in self.names():
            return True
        try:
            wanted = ipaddress.ip_address(node_id)
        except ValueError:
            return False
        # As of now: a board may get its address after start-up.
        return wanted in ipv4_addresses(_text(_ROUTES)) | ipv6_addresses(_text(_INTERFACES))


def ipv4_addresses(fib_trie: str) -> set[Address]:
    """Return the addresses of this machine in the text of `/proc/net/fib_trie`."""
    return {ipaddress.IPv4Address(address) for address in _OWN_IPV4.findall(fib_trie)}


def ipv6_addresses(if_inet6: str) -> set[Address]:
    """Return the addresses of this machine in the text of `/proc/net/if_inet6`."""
    return {ipaddress.IPv6Address(bytes.fromhex(line[:32])) for line in if_inet6.splitlines()}


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except OSError:  # a kernel without IPv6
        return ""
