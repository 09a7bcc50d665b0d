"""Forms of PromQL. That a real Prometheus gives the right answers is in test_live.py."""

from __future__ import annotations

import re

import promql_parser
import pytest

from exporter.states import SENDING
from grafana import promql


@pytest.mark.parametrize(
    "text",
    [
        promql.per_node("up"),
        promql.share_of("up", "limit:x:threshold"),
        promql.limit_for("up", "limit:x:threshold"),
        promql.code('node="M1"'),
        promql.now_in_order('node="M1"'),
        promql.in_order("up"),
        promql.history('node="M1"').replace("$__interval", "5s"),
    ],
)
def test_every_form_is_promql(text: str) -> None:
    promql_parser.parse(text)


def test_shorter_numbers_come_first() -> None:
    patterns = re.findall(r'node=~"(.*?)"', promql.now_in_order('job="x"'))
    names = ["M10", "M2", "gate-7", "M100"]
    ordered = [name for pattern in patterns for name in names if re.fullmatch(pattern, name)]
    assert ordered == ["M2", "gate-7", "M10", "M100"]


def test_range_is_ordered_by_a_label_with_the_number_of_digits() -> None:
    text = promql.in_order("up")
    assert re.findall(r'"digits", "(\d)"', text) == ["1", "2", "3", "4"]


def test_history_shows_an_entry_into_sending_as_sending() -> None:
    text = promql.history('node="M1"')
    assert f'cmzsb_state_entries_total{{state="{SENDING.name}", node="M1"}}' in text
    assert text.startswith(f"{SENDING.code} * (")
