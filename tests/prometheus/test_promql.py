"""Lint of every query in rules and dashboards."""

from __future__ import annotations

import re

import pytest

from exporter.states import REPORTABLE, STATES
from tests.prometheus.promql import Expression, expressions, rules, selectors
from tests.prometheus.series import known_series

ALL = expressions()
RECORDED = {rule["record"] for _, rule in rules() if "record" in rule}
FOREIGN = {"up", "ALERTS"}
each_expression = pytest.mark.parametrize("expression", ALL, ids=lambda expression: expression.where)


@each_expression
def test_parses(expression: Expression) -> None:
    expression.parsed()


@each_expression
def test_reads_only_series_that_exist(expression: Expression) -> None:
    known = known_series() | RECORDED | FOREIGN
    unknown = {name for name in selectors(expression.text) if name not in known and not name.startswith("ray_")}
    assert not unknown


@each_expression
def test_rates_counters_only(expression: Expression) -> None:
    for name in re.findall(r"(?:rate|increase)\((\w+)", expression.text):
        assert name.endswith(("_total", "_bucket", "_sum", "_count"))


@each_expression
def test_takes_the_state_gauge_only_with_a_state(expression: Expression) -> None:
    for matchers in re.findall(r"cmzsb_work_status(\{[^}]*\})?", expression.text):
        assert "state=" in matchers


def test_state_code_covers_every_row_of_the_states_table() -> None:
    code = next(rule["expr"] for _, rule in rules() if rule.get("record") == "node:cmzsb_work_state:code")
    named = dict(re.findall(r'(\d) \* \(cmzsb_work_status\{state="(\w+)"\}', code))
    assert named == {str(state.code): state.name for state in REPORTABLE}
    counted = {
        rule["labels"]["state"]: rule["expr"]
        for _, rule in rules()
        if rule.get("record") == "fleet:cmzsb_work_state:count"
    }
    assert counted == {state.name: f"sum(node:cmzsb_work_state:code == bool {state.code})" for state in STATES}


def test_no_rule_counts_samples() -> None:
    """Ranges became left-open in Prometheus 3: one sample fewer than in 2.x."""
    assert not [expression.where for expression in ALL if "count_over_time" in expression.text]
