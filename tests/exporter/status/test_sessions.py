"""Sessions: counts that are sent again are harmless."""

from __future__ import annotations

import pytest

from exporter.report import Totals
from exporter.status.sessions import SESSIONS_LIMIT, Session, Sessions
from testkit.status_kit import Bench


def test_totals_that_go_back_count_nothing(bench: Bench) -> None:
    for sequence, processed in enumerate((5, 3, 4, 6)):
        bench.report("detecting", session="s", sequence=sequence, totals={"processed": processed})
    assert bench.totals == (6, 0, 0)


def test_sessions_remembered_are_bounded_and_the_busy_ones_stay(bench: Bench) -> None:
    for number in range(3 * SESSIONS_LIMIT):
        bench.report("idle", session=f"s{number}", sequence=1, totals={"processed": 1})
        bench.report("idle", session="busy", sequence=number, totals={"processed": 1})
    assert bench.totals == (3 * SESSIONS_LIMIT + 1, 0, 0)
    bench.restart()
    bench.report("idle", session="busy", totals={"processed": 1})
    assert bench.totals == (3 * SESSIONS_LIMIT + 1, 0, 0)


def test_first_report_of_a_session_that_began_earlier_is_stored_and_not_observed() -> None:
    sessions = Sessions([Session("s", Totals(10), 40)])
    assert sessions.advance("s", 41, Totals(500)) == (Totals(490), Totals())
    assert sessions.advance("s", 42, Totals(501)) == (Totals(1), Totals(1))


@pytest.mark.parametrize(("sequence", "observed"), [(1, 5), (0, 5), (None, 5), (2, 0), (90_000, 0)])
def test_unknown_session_is_observed_from_its_beginning_only(sequence: int | None, observed: int) -> None:
    increase = Sessions().advance("s", sequence, Totals(5))
    assert increase == (Totals(5), Totals(observed))


def test_report_without_totals_is_no_baseline() -> None:
    sessions = Sessions([Session("s", Totals(10), 40)])
    assert sessions.advance("s", 41, None) == (Totals(), Totals())
    assert sessions.advance("s", 42, Totals(500)) == (Totals(490), Totals())


def test_session_that_was_dropped_is_a_new_one() -> None:
    sessions = Sessions()
    for number in range(SESSIONS_LIMIT + 1):
        sessions.advance(f"s{number}", 1, Totals(1))
    assert not sessions.is_repeat("s0", 1)
    assert sessions.is_repeat("s1", 1)
    assert sessions.advance("s0", 2, Totals(3)) == (Totals(3), Totals())
