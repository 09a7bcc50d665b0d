"""Sessions of reporters: what makes counts that are sent again harmless."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from exporter.report import Totals

SESSIONS_LIMIT: Final = 256
"""Sessions remembered. A reporter begins one per process, so that is as many restarts of the script."""
_FIRST_SEQUENCE: Final = 1


class Session(NamedTuple):
    """What is remembered of one run of a reporter: the highest totals and sequence number seen."""

    name: str
    totals: Totals = Totals()
    sequence: int = -1


class Increase(NamedTuple):
    """By how much a session's totals have risen: beyond those in the journal, and while this process ran."""

    stored: Totals = Totals()
    observed: Totals = Totals()


class Sessions:
    """The last `SESSIONS_LIMIT` sessions; the least recently used is dropped first. Not thread-safe."""

    def __init__(self, stored: Iterable[Session] = ()) -> None:
        self._by_name = OrderedDict((session.name, session) for session in stored)
        self._observed: set[str] = set()
        """The sessions that have reported to this process."""

    def is_repeat(self, name: str, sequence: int | None) -> bool:
        """Return whether this report of the session was taken before (its reply got lost)."""
        session = self._by_name.get(name)
        return session is not None and sequence is not None and sequence <= session.sequence

    def advance(self, name: str, sequence: int | None, totals: Totals | None) -> Increase:
        """Remember a report of session `name`; return the increase of its totals.

        The first report of a session that began before this process did is a baseline: its increase is stored, but
        not observed. A journal that was restored, cut short or removed would else turn hours of counts into one jump.
        """
        is_baseline = name not in self._observed and not self._begins(name, sequence)
        session = self._by_name.pop(name, Session(name))
        increase = totals.beyond(session.totals) if totals else Totals()
        self._by_name[name] = Session(
            name,
            session.totals.plus(increase),
            session.sequence if sequence is None else sequence,
        )
        if totals is not None:
            self._observed.add(name)
        while len(self._by_name) > SESSIONS_LIMIT:
            dropped, _ = self._by_name.popitem(last=False)
            self._observed.discard(dropped)
        return Increase(increase, Totals() if is_baseline else increase)

    def get(self, name: str) -> Session:
        """Return the session called `name`, which must have reported."""
        return self._by_name[name]

    def _begins(self, name: str, sequence: int | None) -> bool:
        return name not in self._by_name and (sequence is None or sequence <= _FIRST_SEQUENCE)
