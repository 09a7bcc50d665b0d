"""Lint of every query in rules and dashboards, and of the lint itself."""

from __future__ import annotations

import re

import pytest

from exporter.states import REPORTABLE, STATES
from tests.prometheus.lint import faults
from tests.prometheus.promql import Expression, expressions, rules


@pytest.mark.parametrize("expression", expressions(), ids=lambda expression: expression.where)
def test_query_is_clean(expression: Expression) -> None:
    assert faults(expression.text) == []


@pytest.mark.parametrize(
    ("query", "fault"),
    [
        ("sum by (node (up)", "does not parse"),
        ("cmzsb_sent_total", "does not exist"),
        ("node:cmzsb_sent_to_server:rate1h", "does not exist"),
        ('cmzsb_processed_total{state="idle"}', "has no label state"),
        ('cmzsb_state_seconds_total{state="asleep"}', "no such state"),
        ("rate(cmzsb_status_stale[5m])", "no counter"),
        ("increase(node:cmzsb_processed:rate5m[5m])", "no counter"),
        ("rate(cmzsb_inference_duration_seconds[5m])", "does not exist"),
        ("sum(cmzsb_work_status)", "without one state"),
        ('sum(cmzsb_work_status{state=~"idle|sending"})', "without one state"),
        ('sum(cmzsb_work_status{state="unknown"})', "without one state"),
        ("sum by (pod) (up)", "groups by pod"),
        ("count_over_time(up[5m]) > 3", "counts samples"),
        ("sum by (version) (up) + on () count(cmzsb_build_info)", "groups by version"),
        ("up and on (nod) cmzsb_status_stale", "matches on nod"),
        ("sum by (job) (up) and on (node) cmzsb_status_stale", "matches on node"),
        ("cmzsb_status_stale * on (node) group_left (pod) cmzsb_build_info", "brings pod"),
        ("cmzsb_build_info * on (node) group_right (pod) cmzsb_status_stale", "brings pod"),
        ('label_replace(up, "pod", "$1", "node", "(.*)")', "makes pod"),
        ('label_join(up, "pod", "", "node")', "makes pod"),
        ('label_join(sum by (job) (up), "node", "", "instance")', "reads instance"),
        ('label_replace(sum by (job) (up), "node", "$1", "instance", "(.*)")', "reads instance"),
        ("histogram_quantile(0.9, sum by (node) (rate(cmzsb_inference_duration_seconds_bucket[5m])))", "needs le"),
        ("deriv(cmzsb_processed_total[5m])", "is a counter"),
    ],
)
def test_lint_sees_what_is_wrong(query: str, fault: str) -> None:
    assert any(fault in found for found in faults(query)), faults(query)


def test_lint_reads_every_place_where_queries_stand() -> None:
    places = " ".join(expression.where for expression in expressions())
    for place in (
        "text of Cmzsb",
        "annotation",
        "variable node",
        "fleet: ",
        "node:cmzsb_work_state:code",
        "CmzsbMonitorDown",
    ):
        assert place in places


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


def test_no_figure_is_recorded_twice() -> None:
    recorded = [
        (rule["record"], tuple(sorted(rule.get("labels", {}).items()))) for _, rule in rules() if "record" in rule
    ]
    assert len(recorded) == len(set(recorded))
