"""When a node is probed next, and whether by a long poll: pure arithmetic on monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_BACK_OFF: Final = 15.0
MAX_CONNECT_BACK_OFF: Final = 1.9
"""Longest interval between probes, in seconds, while no connection can be established.

Such an attempt is a single packet and holds no thread, and the node's return must show within two seconds.
"""
STATUS_PATH: Final = "/api/status"
_REQUEST_SPACING: Final = 0.1
_BURST: Final = 5


_RENEWALS_PER_SECOND: Final = 200.0
"""Long polls that end without a change: as many a second as cost the bridge little."""
_LONGEST_WAIT: Final = 25.0
"""The most that a monitor takes for `wait`."""


@dataclass(frozen=True)
class ProbeSettings:
    """How nodes are probed: whole budget of a probe and polling interval, both in seconds; most threads."""

    timeout: float = 1.0
    refresh: float = 1.0
    workers: int = 64

    def wait_for(self, nodes: int) -> float:
        """Return the length of a long poll with that many nodes, in seconds.

        It is half of `timeout`, and more with many nodes, but not more than `refresh`: a host that went away shows
        no later than by polling.
        """
        shortest = self.timeout / 2
        return min(max(shortest, nodes / _RENEWALS_PER_SECOND), max(shortest, min(self.refresh, _LONGEST_WAIT)))

    def budget(self, wait: float) -> float:
        """Return the whole budget of a question in seconds; of a long poll half of `timeout` is for the reply."""
        return max(self.timeout, wait + self.timeout / 2)


class Schedule:
    """The probes of one node; the first is due at once.

    `refresh` is the polling interval in seconds, `wait` the length of a long poll, 0 for none.
    """

    def __init__(self, refresh: float, wait: float, now: float) -> None:
        self._refresh = refresh
        self._wait = wait
        self._failures = 0
        self._version: int | None = None
        self._started_at = now
        self._paid_until = now
        self.due = now

    def long_poll(self, wait: float) -> None:
        """Use long polls of `wait` seconds from now on; 0 for none."""
        self._wait = wait

    def start(self, now: float) -> str:
        """Record the start of a probe and return the path to request."""
        self._started_at = now
        self._paid_until = max(self._paid_until, now) + _REQUEST_SPACING
        if self._wait and self._version is not None:
            return f"{STATUS_PATH}?wait={self._wait:g}&since={self._version}"
        return STATUS_PATH

    def succeeded(self, version: int | None, now: float) -> None:
        """Plan the probe after a good reply; `version` None means that the monitor has no long poll."""
        self._failures = 0
        replied_early = version == self._version and now - self._started_at < self._wait / 2
        self._version = version
        if not self._wait or version is None or replied_early:
            self.due = self._started_at + self._refresh
        else:
            self.due = max(now, self._paid_until - _BURST * _REQUEST_SPACING)

    def failed(self, connected: bool) -> None:
        """Plan the probe after a failure: back-off, without a long poll. `connected`: the peer took the connection."""
        self._version = None
        longest = MAX_BACK_OFF if connected else MAX_CONNECT_BACK_OFF
        self.due = self._started_at + min(self._refresh * 2.0 ** min(self._failures, 10), longest)
        self._failures += 1

    def rejoined(self, now: float) -> None:
        """Make a probe due at once, because the node behind this address was replaced."""
        self._failures = 0
        self._version = None
        self.due = now
