"""Batches of changes: bounded, ordered, dated once."""

from __future__ import annotations

from exporter.report import Totals
from exporter.status.records import UNWRITTEN_LIMIT, Batch
from exporter.status.sessions import SESSIONS_LIMIT, Session
from testkit.journals import alert, batch, transition


def test_memory_is_bounded_while_the_disk_takes_nothing_and_the_newest_stays() -> None:
    pending = Batch()
    numbers = range(1, 2 * UNWRITTEN_LIMIT + 1)
    for number in numbers:
        session = Session(f"s{number}", Totals(number), number)
        pending.absorb(batch([alert(number)], [transition(number)], sessions={session.name: session}))
        if number % 1000 == 0:
            pending.absorb(Batch(shifts={1: 1.0}))
    assert [row.id for row in pending.alerts] == [row.id for row in pending.transitions] == [*numbers[UNWRITTEN_LIMIT:]]
    assert [*pending.sessions] == [f"s{number}" for number in numbers[-SESSIONS_LIMIT:]]
    assert pending.shifts == {1: 10.0}
