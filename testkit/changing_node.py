"""One small monitor that changes its state by itself: the replies of its API, made once per change.

Its `current_task` tells which change it was and when (`M7 change 3 at 1234.567890`, seconds of the monotonic clock,
which all processes of a machine share): by it a viewer knows how late it saw the change, and which ones it missed.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_right
from collections import deque
from datetime import datetime, timezone
from typing import Final, NamedTuple

from testkit import monitor_scrape
from testkit.monitor_scrape import STATES

_SHORTEST, _USUAL, _LONGEST = 2.0, 3.0, 10.0
_MEAN: Final = (_SHORTEST + _USUAL + _LONGEST) / 3
_HISTORY_SECONDS: Final = 3600
_PATTERNS: Final = 16


class Transition(NamedTuple):
    """A state that was left, or the current one: when it began, in Unix seconds, and its name."""

    entered: float
    state: str


class ChangingNode:
    """Node `M{number + 1}`, in a state of its own since `now` (Unix seconds); not thread-safe."""

    def __init__(self, number: int, now: float) -> None:
        self.name = f"M{number + 1}"
        self.changed_at: list[float] = []
        """When it changed, in seconds of the monotonic clock."""
        self._random = random.Random(number)
        self._past = _past(number % _PATTERNS, now)
        self._transitions: deque[Transition] = deque([Transition(now, self._random.choice(STATES))])
        self._seconds = dict.fromkeys(STATES, 0.0)
        """Spent in each state since the start, in seconds, the current stay left out."""
        self._status = self._make_status(f"{self.name} begins")

    @property
    def changes(self) -> int:
        return len(self.changed_at)

    @property
    def state(self) -> str:
        return self._transitions[-1].state

    def pause(self, mean: float) -> float:
        """Return the seconds until the next change: 0.4 to 2 times `mean`, which is their average."""
        return self._random.triangular(_SHORTEST, _LONGEST, _USUAL) * mean / _MEAN

    def change(self, now: float, monotonic: float) -> None:
        """Take on another state."""
        self.changed_at.append(monotonic)
        others = [state for state in STATES if state != self.state]
        self._seconds[self.state] += now - self._transitions[-1].entered
        self._transitions.append(Transition(now, self._random.choice(others)))
        while self._transitions[1].entered < now - _HISTORY_SECONDS:
            self._transitions.popleft()
            self._past = []
        self._status = self._make_status(f"{self.name} change {self.changes} at {monotonic:.6f}")

    def status(self) -> bytes:
        """Return the body of `GET /api/status`."""
        return self._status

    def history(self, since: float, now: float) -> bytes:
        """Return the body of `GET /api/history?since=`: an hour before the start is made up."""
        entries = self._entries(since)
        ends = [*(entry.entered for entry in entries[1:]), now]
        return json.dumps(
            [
                {
                    "timestamp": _rfc3339(entry.entered),
                    "status": entry.state,
                    "duration_seconds": round(end - entry.entered, 3),
                }
                for entry, end in zip(entries, ends)
            ]
        ).encode()

    def shares(self, since: float, step: float, now: float) -> bytes:
        """Return the body of `GET /api/history?since=&step=`: exact seconds per state in each step until `now`."""
        begin = since // step * step
        seconds = {state: [0.0] * (int((now - begin) // step) + 1) for state in STATES}
        entries = self._entries(begin)
        ends = [*(entry.entered for entry in entries[1:]), now]
        for entry, end in zip(entries, ends):
            at = max(entry.entered, begin)
            while at < end:
                index = int((at - begin) // step)
                until = min(end, begin + (index + 1) * step)
                seconds[entry.state][index] += until - at
                at = until
        rounded = {state: [round(share, 3) for share in shares] for state, shares in seconds.items() if any(shares)}
        reply = {"step": int(step), "begin": _rfc3339(begin), "end": _rfc3339(now), "seconds": rounded}
        return json.dumps(reply).encode()

    def metrics(self, now: float) -> bytes:
        """Return the body of `GET /metrics` at Unix time `now`, with the series of a real monitor."""
        entered, state = self._transitions[-1]
        seconds = self._seconds | {state: self._seconds[state] + now - entered}
        return monitor_scrape.scrape(
            self.name, monitor_scrape.values(now, entered, state, seconds, processed=self.changes)
        )

    def _entries(self, since: float) -> list[Transition]:
        """Return the transitions that reach into the time after `since`, oldest first."""
        entries = [*self._past, *self._transitions]
        return entries[max(0, bisect_right([entry.entered for entry in entries], since) - 1) :]

    def _make_status(self, task: str) -> bytes:
        entered, state = self._transitions[-1]
        at = _rfc3339(entered)
        sent = self.changes // 3
        return (
            f'{{"status":"{state}","timestamp":"{at}","latest_state":{{"status":"{state}","timestamp":"{at}",'
            f'"current_task":"{task}","message":"","task_info":null}},"stats":{{"total_processed":{self.changes},'
            f'"low_confidence_count":{sent},"sent_to_server":{sent}}},"node_id":"{self.name}","stale":false,'
            f'"version":{self.changes}}}\n'
        ).encode()


_pasts: dict[int, list[Transition]] = {}


def _past(pattern: int, now: float) -> list[Transition]:
    """Return the hour before the start; nodes share it by pattern, because their own would take a gigabyte."""
    if pattern not in _pasts:
        source, at, state, past = random.Random(-pattern - 1), now - _HISTORY_SECONDS, 0, []
        while at < now:
            past.append(Transition(at, STATES[state]))
            state = (state + source.randrange(1, len(STATES))) % len(STATES)
            at += source.triangular(_SHORTEST, _LONGEST, _USUAL)
        _pasts[pattern] = past
    return _pasts[pattern]


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
