"""Which state the node is in, since when, and how long it was in each: one state at a time, no gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from exporter.states import REPORTABLE, State
from exporter.status.clock import Instant


class Stay(NamedTuple):
    """A finished stay in a state: entered at Unix time `entered`, left after `seconds`."""

    state: State
    entered: float
    seconds: float
    inherited: bool = False
    """Entered before the monitor was restarted, and so dated by the clock of that time."""


class Timeline:
    """The current state and the exact time spent in every state. Not thread-safe.

    The times in state sum to the time that passed on the monotonic clock (plus what was stored).
    """

    def __init__(
        self,
        state: State,
        entered: Instant,
        seconds: Mapping[str, float] | None = None,
        entries: Mapping[str, int] | None = None,
    ) -> None:
        """Begin in `state` at `entered`; `seconds` and `entries` per state are what earlier runs counted."""
        self.state = state
        self.entered = entered
        self._inherited = False
        self._seconds = {row.name: (seconds or {}).get(row.name, 0.0) for row in REPORTABLE}
        self._entries = {row.name: (entries or {}).get(row.name, 0) for row in REPORTABLE}

    @classmethod
    def resume(
        cls,
        state: State,
        now: Instant,
        *,
        entered_wall: float,
        in_state: float,
        held: float,
        seconds: Mapping[str, float],
        entries: Mapping[str, int],
    ) -> Timeline:
        """Go on in `state`: `in_state` seconds of it had passed and were counted in `seconds`, then `held` more."""
        before = dict(seconds)
        before[state.name] = max(0.0, before.get(state.name, 0.0) - in_state)
        entered = Instant(now.monotonic - in_state - held, entered_wall)
        timeline = cls(state, entered, before, entries)
        timeline._inherited = True
        return timeline

    def enter(self, state: State, now: Instant) -> Stay | None:
        """Change to `state`; return the stay that this ended, or None when it is the state already."""
        if state is self.state:
            return None
        self._entries[state.name] += 1
        return self.begin(state, now)

    def begin(self, state: State, now: Instant) -> Stay:
        """Begin a stay in `state`, which may be the same, and return the one before; this counts no entry."""
        stay = Stay(self.state, self.entered.wall, self.in_state(now), self._inherited)
        self._seconds[self.state.name] += stay.seconds
        self.state = state
        self.entered = now
        self._inherited = False
        return stay

    def redate(self, seconds: float) -> None:
        """Move the wall-clock time of entry, because the wall clock was set by `seconds`.

        An entry before the restart stays as it is: the clock that was wrong since did not date it.
        """
        if not self._inherited:
            self.entered = Instant(self.entered.monotonic, self.entered.wall + seconds)

    def in_state(self, now: Instant) -> float:
        """Return the seconds spent in the current state."""
        return max(0.0, now.monotonic - self.entered.monotonic)

    def seconds(self, now: Instant) -> dict[str, float]:
        """Return the seconds per state, the current stay included."""
        return self._seconds | {self.state.name: self._seconds[self.state.name] + self.in_state(now)}

    def entries(self) -> dict[str, int]:
        """Return how often each state was entered from another one."""
        return dict(self._entries)
