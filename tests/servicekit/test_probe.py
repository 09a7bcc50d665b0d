"""One HTTP request against one deadline."""

from __future__ import annotations

import errno
import time

import pytest

from servicekit.http_reply import ProbeError
from servicekit.probe import failure_reason, http_get
from testkit.hostile import (
    BEHAVIOURS,
    serving,
)

LATEST = 1.5
"""Seconds by which every request has ended: the budget of 1 s and a busy machine."""


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_request_ends_within_its_budget_whatever_the_peer_does(name: str) -> None:
    behaviour, reason = BEHAVIOURS[name]
    begun = time.monotonic()
    with serving(behaviour) as node:
        if reason in {"not_json", "bad_status"}:  # for the parser of the body
            http_get(node.address, "/api/history", 1.0)
        else:
            with pytest.raises(ProbeError, match=reason):
                http_get(node.address, "/api/history", 1.0)
    assert time.monotonic() - begun < LATEST


@pytest.mark.parametrize(
    ("number", "connected", "reason"),
    [
        (errno.ECONNREFUSED, False, "refused"),
        (errno.ETIMEDOUT, False, "timeout"),
        (errno.EHOSTUNREACH, False, "unreachable"),
        (errno.ENETUNREACH, False, "unreachable"),
        (errno.EACCES, False, "unreachable"),
        (errno.ECONNRESET, True, "bad_reply"),
        (errno.EPIPE, True, "bad_reply"),
    ],
)
def test_socket_error_has_a_reason_of_failure(number: int, connected: bool, reason: str) -> None:
    assert failure_reason(OSError(number, ""), connected) == reason
