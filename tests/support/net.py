"""Loopback addresses and waiting, for tests that run real servers."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def free_port(host: str = "127.0.0.1") -> int:
    """Return a TCP port that was free on `host` a moment ago."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], T | None], what: str, within: float = 10.0) -> T:
    """Return the first truthy value of `condition`, asked every 20 ms.

    An exception counts as "not yet". Raises AssertionError naming `what` after `within` seconds.
    """
    deadline = time.monotonic() + within
    last: object = None
    while time.monotonic() < deadline:
        try:
            last = value = condition()
            if value:
                return value
        except Exception as error:  # noqa: BLE001 (whatever it is, it is shown if it does not go away)
            last = error
        time.sleep(0.02)
    raise AssertionError(f"{what}: not within {within} s; last seen: {last!r}")
