"""Counts of the inference script, and the sessions that make re-sent counts harmless."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, NamedTuple

from exporter.report import Totals

SESSIONS_LIMIT: Final = 256
"""Sessions remembered. A reporter begins one per process, so that is as many restarts of the script."""


class Session(NamedTuple):
    """What is remembered of one run of a reporter: the highest totals and sequence number seen."""

    name: str
    totals: Totals = Totals()
    sequence: int = -1


class Sessions:
    """The last `SESSIONS_LIMIT` sessions; the one unused for longest is forgotten first. Not thread-safe."""

    def __init__(self, stored: Iterable[Session] = ()) -> None:
        self._by_name = OrderedDict((session.name, session) for session in stored)

    def is_repeat(self, name: str, sequence: int | None) -> bool:
        """Return whether this report of the session was taken in before (its reply got lost)."""
        session = self._by_name.get(name)
        return session is not None and sequence is not None and sequence <= session.sequence

    def advance(self, name: str, sequence: int | None, totals: Totals | None) -> Totals:
        """Remember a report of session `name`; return the increase of its totals since the last one."""
        session = self._by_name.pop(name, Session(name))
        increase = totals.beyond(session.totals) if totals else Totals()
        self._by_name[name] = Session(
            name,
            session.totals.plus(increase),
            session.sequence if sequence is None else sequence,
        )
        while len(self._by_name) > SESSIONS_LIMIT:
            self._by_name.popitem(last=False)
        return increase

    def get(self, name: str) -> Session:
        """Return the session called `name`, which must have been seen."""
        return self._by_name[name]
