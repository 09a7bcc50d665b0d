"""Time per state in steps of equal length: a long history in few numbers."""

from __future__ import annotations

from array import array
from typing import Any

from servicekit.clock import rfc3339

SHORTEST_STEP, LONGEST_STEP = 60, 3600
"""Seconds of a step that a reader of a history may ask for, of a monitor or of the bridge."""


class Shares:
    """Seconds per state and step. Steps begin at multiples of `step` seconds in Unix time. Not thread-safe."""

    def __init__(self, step: int, begin: float, end: float) -> None:
        """Cover the steps from that of `begin` to that of `end`, both in Unix seconds."""
        self.step = step
        self._seconds: dict[str, array[float]] = {}
        self._first, self._count = self._steps(begin, end)

    @property
    def begin(self) -> float:
        """Unix time of the begin of the first step."""
        return self._first * self.step

    @property
    def end(self) -> float:
        """Unix time of the end of the last step."""
        return (self._first + self._count) * self.step

    def add(self, state: str, begin: float, end: float, share: float = 1.0) -> None:
        """Add the time from `begin` to `end`, of which `share` was spent in `state`; uncovered time is left out."""
        begin, end = max(begin, self.begin), min(end, self.end)
        while begin < end:
            number = int(begin // self.step)
            until = min(end, float((number + 1) * self.step))
            self._column(state)[number - self._first] += share * (until - begin)
            begin = until

    def move_to(self, begin: float, end: float) -> None:
        """Cover the steps from that of `begin` to that of `end` from now on; later steps than before are empty."""
        first, count = self._steps(begin, end)
        dropped = first - self._first
        added = count + dropped - self._count
        if 0 <= dropped < self._count and added >= 0:
            for column in self._seconds.values():
                del column[:dropped]
                column.extend([0.0] * added)
        else:  # the clock was set, or nothing is left
            self._seconds.clear()
        self._first, self._count = first, count

    def fill_up(self, state: str, other: Shares, until: float) -> None:
        """Add what `other` has of `state`, as far as a step has room, in the steps that end before `until`."""
        for number, value in enumerate(other._seconds.get(state, ())):
            place = other._first + number - self._first
            if value and 0 <= place < self._count and (other._first + number + 1) * self.step <= until:
                room = self.step - sum(column[place] for column in self._seconds.values())
                self._column(state)[place] += max(0.0, min(value, room))

    def columns(self, begin: float) -> dict[str, Any]:
        """Return the steps from that of `begin` on as JSON: `begin`, and `seconds` by state, oldest first.

        Without the states in which no time was spent.
        """
        skipped = max(0, min(int(begin // self.step) - self._first, self._count))
        seconds = {state: [round(value, 3) for value in column[skipped:]] for state, column in self._seconds.items()}
        return {
            "begin": rfc3339((self._first + skipped) * self.step),
            "seconds": {state: values for state, values in seconds.items() if any(values)},
        }

    def _steps(self, begin: float, end: float) -> tuple[int, int]:
        """Return the number of the first step since 1970, and how many steps there are, one at least."""
        first = int(begin // self.step)
        return first, max(1, int(end // self.step) - first + 1)

    def _column(self, state: str) -> array[float]:
        column = self._seconds.get(state)
        if column is None:
            column = self._seconds[state] = array("d", [0.0]) * self._count
        return column
