"""Forms of PromQL. That a real Prometheus gives the right answers is in test_live.py."""

from __future__ import annotations

import re

import promql_parser
import pytest

from exporter.states import SENDING
from grafana import promql

ONE = 'node="M1"'


def parse(text: str) -> None:
    for variable, value in {
        "$__interval_ms": "5000",
        "$__interval": "5s",
        "$__rate_interval": "1m",
        "$__range_s": "60",
        "$location": "x",
    }.items():
        text = text.replace(variable, value)
    promql_parser.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        promql.per_node("up"),
        promql.share_of("up", "limit:x:threshold"),
        promql.limit_for("up", "limit:x:threshold"),
        promql.here("up") + " == 1",
        promql.or_unknown("up == 0", 9),
        promql.code(ONE),
        promql.light(ONE),
        promql.now_in_order(lambda digits: f"up{{{ONE}{digits}}}"),
        promql.in_order("up"),
        promql.history(ONE),
        promql.share_of_time(ONE, "sending"),
        promql.beginnings('alertname="x"', 60),
    ],
)
def test_every_form_is_promql(text: str) -> None:
    parse(text)


def test_shorter_numbers_come_first() -> None:
    patterns = re.findall(r'node=~"(.*?)"', promql.now_in_order(lambda digits: f"up{{{ONE}{digits}}}"))
    names = ["M10", "M2", "gate-7", "M100"]
    ordered = [name for pattern in patterns for name in names if re.fullmatch(pattern, name)]
    assert ordered == ["M2", "gate-7", "M10", "M100"]


def test_range_is_ordered_by_a_label_with_the_number_of_digits() -> None:
    text = promql.in_order("up")
    assert re.findall(r'"digits", "(\d)"', text) == ["1", "2", "3", "4"]


def test_history_is_of_states_up_to_two_hours_and_of_shares_beyond() -> None:
    states, shares, codes = promql.history(ONE).split("\nor ")
    assert f'cmzsb_state_entries_total{{state="{SENDING.name}", {ONE}}}' in states
    assert states.endswith("> 1e15 * ($__range_s > bool 7200)")
    assert f'cmzsb_state_seconds_total{{state="{SENDING.name}", {ONE}}} >= 1e15 * ($__range_s <= bool 7200)' in shares
    assert codes.endswith("* ($__range_s <= bool 7200)")


def test_list_says_when_what_it_lists_is_not_known() -> None:
    assert promql.or_unknown("up == 0", 9).endswith("or on () 9 * absent(node:cmzsb_work_state:code)")
    assert promql.or_unknown("up == 0", 9, known="up").endswith("absent(up)")
