"""How one node's monitor is: its own answer and its actor's, put together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from servicekit.address import Address
from servicekit.probe import http_get

HEALTHY: Final = "healthy"
STARTING: Final = "starting"
FAILING: Final = "failing"
UNREACHABLE: Final = "unreachable"
LOST: Final = "lost"
_CLOCK_SLACK: Final = 2.0
"""Seconds by which a monitor may seem older than its process: the two were asked one after the other."""
_NO_HOST: Final = frozenset({"timeout", "unreachable"})


class Check(NamedTuple):
    """The result: one of the words above, why, the monitor's version and for how many seconds it has run."""

    health: str
    detail: str = ""
    version: str = ""
    uptime: float | None = None


class HealthReply(NamedTuple):
    """What `/api/health` said; `reason` is empty when it said that all is well."""

    reason: str
    version: str = ""
    uptime: float = 0.0


def read_health(ip: str, port: int, timeout: float) -> HealthReply:
    """Ask a monitor how it is. Raises `ProbeError`."""
    return parse_health(http_get(Address(ip, port), "/api/health", timeout))


def parse_health(body: bytes) -> HealthReply:
    """Read a reply of `/api/health`; another service's reply is a reason, too."""
    try:
        reply = json.loads(body)
        return HealthReply("", str(reply["version"]), float(reply["uptime_seconds"]))
    except (ValueError, KeyError, TypeError):
        return HealthReply("another service answers on this port")


def judge(answer: HealthReply, host: Mapping[str, Any] | None) -> Check:
    """Combine the monitor's `answer` and what its actor said (None: nothing in time).

    A healthy answer counts only if it comes from the actor's own child: an older monitor on the same port, or one
    that systemd runs, answers just as well.
    """
    if host is None:
        if answer.reason in _NO_HOST:
            return Check(UNREACHABLE, answer.reason)
        return Check(STARTING)
    running = host["running_seconds"]
    if not answer.reason and running is not None:
        if answer.uptime <= running + _CLOCK_SLACK:
            return Check(HEALTHY, "", answer.version, answer.uptime)
        return Check(FAILING, host["error"] or "another monitor runs on this node")
    if host["error"]:
        return Check(FAILING, host["error"])
    if answer.reason == "refused":
        return Check(STARTING, "")
    if answer.reason == "http_503":
        return Check(FAILING, "the journal cannot be written")
    return Check(FAILING if answer.reason else STARTING, answer.reason)
