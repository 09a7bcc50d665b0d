"""The controller's report on the rollout: one row for each node, lost nodes included."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deploy.check import LOST, Check
from deploy.rollout import NodeRollout
from servicekit.clock import Clock


class Reporter:
    """Builds the rows of successive reports; remembers nodes that are gone and when each node's health changed.

    Not thread-safe. The rows are plain values, because a command of another version reads them.
    """

    def __init__(self, release: str, clock: Clock) -> None:
        self._release = release
        self._clock = clock
        self._addresses: dict[str, str] = {}
        self._changed: dict[str, tuple[str, float]] = {}

    def rows(self, rollouts: Iterable[NodeRollout]) -> list[dict[str, Any]]:
        """Return `{"node", "ip", "version", "python", "health", "detail", "since", "current"}` for each node.

        `since` is in Unix seconds; `current` says whether the node has the release that was ordered; `python` is the
        version of the interpreter of Ray's workers, empty while it is unknown.
        """
        rows = []
        alive: dict[str, str] = {}
        for node, release, check, _ in rollouts:
            alive[node.name] = node.ip
            rows.append(self._row(node.name, node.ip, check, release == self._release))
        self._addresses.update(alive)
        gone = sorted(self._addresses.keys() - alive.keys())
        return rows + [self._row(name, self._addresses[name], Check(LOST), False) for name in gone]

    def _row(self, name: str, ip: str, check: Check, current: bool) -> dict[str, Any]:
        now = self._clock.time()
        before = self._changed.get(name)
        if before is None or before[0] != check.health:
            self._changed[name] = before = (check.health, now)
        since = before[1] if check.uptime is None else now - check.uptime
        return {
            "node": name,
            "ip": ip,
            "version": check.version,
            "python": check.python,
            "health": check.health,
            "detail": check.detail,
            "since": since,
            "current": current,
        }
