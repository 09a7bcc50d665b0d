"""What a service needs before it serves: a bound socket, and descriptors enough for a crowd."""

from __future__ import annotations

import resource
import socket

from servicekit.address import Address
from servicekit.errors import StartError


def bind(listen: Address) -> socket.socket:
    """Return a TCP socket bound to the first address of `listen`'s host, IPv4 before IPv6. Raises `StartError`.

    On `::` it takes IPv4 as well, where the system does not say otherwise.
    """
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        sock = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise StartError(f"cannot listen on {listen}: {getattr(error, 'strerror', None) or 'no host name'}") from None
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise StartError(f"cannot listen on {listen}: {error.strerror}") from None
    return sock


def allow_descriptors(wanted: int) -> int:
    """Raise the limit of open files to `wanted`, or as near to it as may be; return what of `wanted` may be had.

    A shell and systemd start programs with 1024, because `select` ends there; whoever does not use it may have more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
    except OSError:  # a sandbox may forbid it
        return soft
    return reachable
