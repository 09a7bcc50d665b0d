"""The current state, since when, and the time in every state: one state at a time, without a gap."""

from __future__ import annotations

from exporter.states import REPORTABLE, State
from exporter.status.clock import Instant
from exporter.status.records import Transition


class Timeline:
    """The current state and the exact time that this process has spent in every state. Not thread-safe.

    The seconds per state sum to the seconds of the monotonic clock since `counted_from`. Transitions are numbered
    from `last_id` + 1; each carries the number of the run of the monitor whose clock dated it.
    """

    def __init__(self, state: State, entered: Instant, *, run: int, last_id: int) -> None:
        """Begin run `run` in `state`, entered at `entered`; `last_id` is that of the newest transition stored."""
        self.state = state
        self.entered = entered
        self.last_id = last_id
        self._run = run
        self._entered_in_run = run
        self._counted_from = entered.monotonic
        self._seconds = dict.fromkeys((row.name for row in REPORTABLE), 0.0)
        self._entries = dict.fromkeys((row.name for row in REPORTABLE), 0)

    @classmethod
    def resume(cls, state: State, entered: Instant, now: Instant, *, run: int, last_id: int) -> Timeline:
        """Continue a state that an earlier run entered at `entered`; the seconds per state count from `now`."""
        timeline = cls(state, entered, run=run, last_id=last_id)
        timeline._entered_in_run = run - 1
        timeline._counted_from = now.monotonic
        return timeline

    def enter(self, state: State, instant: Instant) -> Transition | None:
        """Change to `state`; return the transition that this finishes, None when it is the state already."""
        if state is self.state:
            return None
        self._entries[state.name] += 1
        return self.begin(state, instant)

    def begin(self, state: State, instant: Instant) -> Transition:
        """Begin `state`, which may be the same, and return the finished transition; this counts no entry."""
        seconds = self.in_state(instant)
        self._seconds[self.state.name] += self._counted(instant)
        self.last_id += 1
        finished = Transition(self.last_id, self._entered_in_run, self.entered.wall, self.state.name, seconds)
        self.state = state
        self.entered = instant
        self._entered_in_run = self._run
        return finished

    def redate(self, seconds: float) -> None:
        """Move the wall-clock time of entry, because the wall clock was set by `seconds`.

        An entry in an earlier run keeps its date, because another clock setting was in force then.
        """
        if self._entered_in_run == self._run:
            self.entered = Instant(self.entered.monotonic, self.entered.wall + seconds)

    def in_state(self, now: Instant) -> float:
        """Return the seconds spent in the current state, those of earlier runs included."""
        return max(0.0, now.monotonic - self.entered.monotonic)

    def seconds(self, now: Instant) -> dict[str, float]:
        """Return the seconds per state since this process started, the current state included."""
        return {**self._seconds, self.state.name: self._seconds[self.state.name] + self._counted(now)}

    def entries(self) -> dict[str, int]:
        """Return how often each state was entered from another one since this process started."""
        return dict(self._entries)

    def _counted(self, now: Instant) -> float:
        return max(0.0, now.monotonic - max(self.entered.monotonic, self._counted_from))
