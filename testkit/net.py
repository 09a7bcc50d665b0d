"""Loopback: free ports, JSON at a URL, and waiting until something is true."""

from __future__ import annotations

import json
import random
import socket
import time
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

T = TypeVar("T")

_PORTS: Final = range(20_000, 32_000)
"""Above those of Ray's workers and below those that the system gives to connections, which could take one meanwhile."""


def is_free(host: str, port: int) -> bool:
    """Return whether a server could listen on `host:port` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(hosts: str | Iterable[str] = "127.0.0.1", preferred: int = 0) -> int:
    """Return a TCP port free on all `hosts` a moment ago: `preferred` if it is, else any."""
    everywhere = [hosts] if isinstance(hosts, str) else list(hosts)
    if preferred and all(is_free(host, preferred) for host in everywhere):
        return preferred
    while True:
        candidate = random.choice(_PORTS)
        if all(is_free(host, candidate) for host in everywhere):
            return candidate


def get_json(url: str) -> Any:
    """Return the JSON at a loopback `url`, whatever proxies the environment names; raises what urllib raises."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as reply:
        return json.load(reply)


def wait_for(condition: Callable[[], T | None], what: str, within: float = 10.0) -> T:
    """Return the first truthy value of `condition`, which is called every 20 ms.

    An exception counts as "not yet". Raises TimeoutError naming `what` after `within` seconds.
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
    raise TimeoutError(f"{what}: not within {within} s; last seen: {last!r}")
