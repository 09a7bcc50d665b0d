"""What a service needs before it serves: a bound socket, and descriptors enough for a crowd."""

from __future__ import annotations

import contextlib
import errno
import logging
import resource
import socket
import struct
import time
from collections.abc import Callable
from typing import Final

from servicekit.address import Address
from servicekit.errors import StartError
from servicekit.log import event

_SEND_BUFFER: Final = 8 * 1024
_RECEIVE_BUFFER: Final = 32 * 1024
"""Bytes that the kernel keeps for each client, which count as the service's memory; it takes them twice."""
_RETRY_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


def bind(listen: Address, on_wait: Callable[[], None] = lambda: None) -> socket.socket:
    """Return a TCP socket bound to the first address of `listen`'s host, IPv4 before IPv6. Raises `StartError`.

    An address that the machine does not have yet, as before DHCP, is waited for; `on_wait` is called every second
    meanwhile. On `::` the socket takes IPv4 as well, where the system does not say otherwise. Its clients, whose
    sockets inherit the small buffers, cost little when they do not read.
    """
    sock = _try_to_bind(listen)
    if sock is None:
        _log.warning(event("waiting_for_address", address=listen))
    while sock is None:
        on_wait()
        time.sleep(_RETRY_SECONDS)
        sock = _try_to_bind(listen)
    return sock


def _try_to_bind(listen: Address) -> socket.socket | None:
    """Return the bound socket, None when the machine does not have the address. Raises `StartError`."""
    try:
        found = socket.getaddrinfo(listen.host, listen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
        sock = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise StartError(f"cannot listen on {listen}: {getattr(error, 'strerror', None) or 'no host name'}") from None
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
    try:
        sock.bind(address)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRNOTAVAIL:
            return None
        raise StartError(f"cannot listen on {listen}: {error.strerror}") from None
    return sock


def discard_unsent(sock: socket.socket) -> None:
    """Let the next close drop what the client has not taken: otherwise the kernel keeps it for minutes."""
    with contextlib.suppress(OSError):  # the socket is closed already
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


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
