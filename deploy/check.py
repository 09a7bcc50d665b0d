"""Health of one node's monitor: its reply and its supervisor's status, put together."""

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
"""Seconds by which a monitor may seem older than its process, because the two are asked one after the other."""
_NO_ROUTE: Final = frozenset({"timeout", "unreachable"})


class Check(NamedTuple):
    """The result: one of the words above, the reason, the monitor's version and for how many seconds it has run.

    `python` is the version of the interpreter that Ray's workers on the node run.
    """

    health: str
    detail: str = ""
    version: str = ""
    uptime: float | None = None
    python: str = ""


class HealthReply(NamedTuple):
    """Result of `/api/health`; `reason` says why there is no healthy reply, and is empty for a healthy one."""

    reason: str
    version: str = ""
    uptime: float = 0.0


def read_health(ip: str, port: int, timeout: float) -> HealthReply:
    """Request a monitor's health, `timeout` seconds at most. Raises `ProbeError`."""
    return parse_health(http_get(Address(ip, port), "/api/health", timeout))


def parse_health(body: bytes) -> HealthReply:
    """Parse a body of `/api/health`; the reply of another service becomes a reason."""
    try:
        reply = json.loads(body)
        return HealthReply("", str(reply["version"]), float(reply["uptime_seconds"]))
    except (ValueError, KeyError, TypeError):
        return HealthReply("another service answers on this port")


def judge(reply: HealthReply, supervisor: Mapping[str, Any] | None) -> Check:
    """Combine the monitor's `reply` and the status of its supervisor (None: no status in time).

    A healthy reply counts only if it comes from the supervisor's own child, because an older monitor on the same
    port, or one under systemd, gives the same reply.
    """
    if supervisor is None:
        if reply.reason in _NO_ROUTE:
            return Check(UNREACHABLE, reply.reason)
        return Check(STARTING)
    check = _judge_supervised(reply, supervisor)
    return check._replace(python=str(supervisor.get("python", "")))  # one of an older release does not tell it


def _judge_supervised(reply: HealthReply, supervisor: Mapping[str, Any]) -> Check:
    running = supervisor["running_seconds"]
    if not reply.reason and running is not None:
        if reply.uptime <= running + _CLOCK_SLACK:
            return Check(HEALTHY, "", reply.version, reply.uptime)
        return Check(FAILING, supervisor["error"] or "another monitor runs on this node")
    if supervisor["error"]:
        return Check(FAILING, supervisor["error"])
    if reply.reason == "refused":
        return Check(STARTING, "")
    if reply.reason == "http_503":
        return Check(FAILING, "the journal cannot be written")
    return Check(FAILING if reply.reason else STARTING, reply.reason)
