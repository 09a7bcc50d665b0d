"""From changes to sights: delays, and what counts as missed."""

from __future__ import annotations

import pytest

from bench.sights import Sights, follow


def test_delay_ends_with_the_first_sight_of_each_viewer() -> None:
    viewers = [[(1, 1, 10.2), (2, 1, 10.6)], [(1, 1, 10.3), (2, 1, 10.5)]]
    found = follow({"M1": [10.0], "M2": [10.5]}, viewers, 10.0, 11.0)
    assert found.late == pytest.approx([0, 100, 200, 300])
    assert (found.missed, found.superseded) == (0, 0)


def test_change_that_was_replaced_before_it_was_sent_lasts_until_the_later_one() -> None:
    found = follow({"M1": [10.0, 12.0]}, [[(1, 2, 12.5)]], 0.0, 20.0)
    assert found.late == pytest.approx([500, 2500])
    assert (found.missed, found.superseded) == (0, 1)


@pytest.mark.parametrize("sights", [[], [(1, 1, 15.1)], [(2, 1, 10.1)]])
def test_change_without_a_sight_in_time_is_missed(sights: list[tuple[int, int, float]]) -> None:
    assert follow({"M1": [10.0]}, [sights], 0.0, 20.0) == Sights([], 1, 0)


def test_changes_outside_the_time_do_not_count() -> None:
    assert follow({"M1": [1.0, 9.0, 15.0]}, [[(1, 2, 9.1)]], 5.0, 10.0).late == pytest.approx([100])
