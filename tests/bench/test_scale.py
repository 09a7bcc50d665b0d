"""Lateness of lights by way of Prometheus, and the time that rules take."""

from __future__ import annotations

import pytest

from bench import scale


def test_light_is_behind_since_the_first_change_that_it_does_not_show() -> None:
    changed_at = {"M1": [10.0, 14.0, 19.0], "M2": [11.0], "M3": [], "M4": [10.0, 21.0]}
    look = scale._Look(20.0, {"M1": 1, "M2": 1, "M3": 0, "M4": 1})
    assert list(scale._behind(look, changed_at)) == [6.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "text", ["2026-11-26T04:00:00.123456789Z", "2026-11-26T04:00:00Z", "2026-11-26T12:00:00.5+08:00"]
)
def test_times_of_prometheus_are_read(text: str) -> None:
    assert scale._unix_time(text) == 1795665600


def test_group_that_never_was_evaluated_is_older_than_any_measurement() -> None:
    assert scale._unix_time("0001-01-01T00:00:00Z") < 0


def test_rules_are_summed_up_by_their_intervals_and_the_slowest_are_named() -> None:
    groups = [
        {"name": "a", "interval": 5, "evaluationTime": 0.5, "rules": [{"name": "x", "evaluationTime": 0.4}]},
        {"name": "b", "interval": 60, "evaluationTime": 3.0, "rules": [{"name": "y", "evaluationTime": 0.3}]},
    ]
    share, group, rule = scale._rule_rows("n", groups, "<= 20")
    assert (share.value, share.kept) == (15.0, True)
    assert (group.name, group.value) == ("n: slowest group of rules, b", 3000.0)
    assert (rule.name, rule.value) == ("n: slowest rule, x", 400.0)
