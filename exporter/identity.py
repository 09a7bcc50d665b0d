"""The names and addresses that this node answers to."""

from __future__ import annotations

import fcntl
import socket
import struct
from dataclasses import dataclass
from typing import Final

_SIOCGIFADDR: Final = 0x8915
"""From Linux' <linux/sockios.h>: the IPv4 address of an interface."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The node's name, its host name and the address that the monitor was told to listen on."""

    node_name: str
    hostname: str
    listen_host: str = ""

    def names(self) -> frozenset[str]:
        """Return the node's names, lower-case."""
        return frozenset(name.lower() for name in (self.node_name, self.hostname) if name)

    def is_me(self, node_id: str) -> bool:
        """Return whether `node_id` is this node's name, host name or one of its IPv4 addresses."""
        wanted = node_id.lower()
        return wanted in self.names() or wanted == self.listen_host or wanted in _interface_addresses()


def _interface_addresses() -> set[str]:
    """Return the first IPv4 address of every interface, as of now: a board may get its own after start-up."""
    found = set()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            try:
                reply = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", name.encode()))
            except OSError:
                continue  # an interface without an address
            found.add(socket.inet_ntoa(reply[20:24]))
    return found
