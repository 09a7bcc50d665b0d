"""When a node is asked next, and whether as a long poll: pure arithmetic on monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_BACK_OFF: Final = 15.0
MAX_CONNECT_BACK_OFF: Final = 1.9
"""Longest distance between attempts, in seconds, while the host or port itself does not answer.

Such an attempt is a single packet and holds nothing, and the node's return must show within two seconds.
"""
_QUESTION_SPACING: Final = 0.1
_BURST: Final = 5


@dataclass(frozen=True)
class ProbeSettings:
    """How nodes are asked: whole budget of a question, polling distance (both seconds), most threads."""

    timeout: float = 1.0
    refresh: float = 1.0
    workers: int = 64

    def wait_for(self, nodes: int) -> float:
        """Return the length of a long poll with that many nodes; 0 when there are too many for it."""
        return self.timeout / 2 if nodes <= self.workers else 0.0


class Schedule:
    """The questions to one node; starts as due at once.

    `refresh` is the polling distance in seconds, `wait` the length of a long poll, 0 for none.
    """

    def __init__(self, refresh: float, wait: float, now: float) -> None:
        self._refresh = refresh
        self._wait = wait
        self._failures = 0
        self._version: int | None = None
        self._asked_at = now
        self._paid_until = now
        self.due = now

    def long_poll(self, wait: float) -> None:
        """Use long polls of `wait` seconds from now on; 0 for none."""
        self._wait = wait

    def start(self, now: float) -> str:
        """Note that the node is asked now and return the path of the question."""
        self._asked_at = now
        self._paid_until = max(self._paid_until, now) + _QUESTION_SPACING
        if self._wait and self._version is not None:
            return f"/api/status?wait={self._wait:g}&since={self._version}"
        return "/api/status"

    def succeeded(self, version: int | None, now: float) -> None:
        """Plan the question after an answer; `version` None means that the monitor cannot long-poll."""
        self._failures = 0
        answered_early = version == self._version and now - self._asked_at < self._wait / 2
        self._version = version
        if not self._wait or version is None or answered_early:
            self.due = self._asked_at + self._refresh
        else:
            self.due = max(now, self._paid_until - _BURST * _QUESTION_SPACING)

    def failed(self, connected: bool) -> None:
        """Plan the question after a failure: at growing distance, and plain."""
        self._version = None
        longest = MAX_BACK_OFF if connected else MAX_CONNECT_BACK_OFF
        self.due = self._asked_at + min(self._refresh * 2.0 ** min(self._failures, 10), longest)
        self._failures += 1

    def rejoined(self, now: float) -> None:
        """Ask at once: whatever was behind this address has been replaced."""
        self._failures = 0
        self._version = None
        self.due = now
