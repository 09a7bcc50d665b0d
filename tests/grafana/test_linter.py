"""The rules of Grafana's dashboard-linter, by their names there. Those for Loki have nothing to look at here.

https://github.com/grafana/dashboard-linter
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import promql_parser as promql
import pytest

from tests.grafana.files import EACH, Json, load

EXCEPTIONS = {
    "template-job-rule": "a dashboard is about one product, whose jobs have fixed names, so there is no job to choose",
    "template-instance-rule": "nodes are chosen by name; an instance is an address that may pass to another node",
    "target-job-rule": "recorded series have no job, and no other job exposes the product's own names",
    "target-instance-rule": "the same of the instance",
    "uneditable-dashboard": "operators may try changes; provisioning keeps them from being saved, a push undoes them",
    "target-counter-agg-rule of cmzsb_state_entries_total": "the timeline takes the difference of two moments, for a "
    "rate would spread a short sending over several steps",
    "target-counter-agg-rule of cmzsb_state_seconds_total": "shares of time take the difference of two moments too, "
    "for rates over $__rate_interval overlap",
    "target-counter-agg-rule of ray_node_mem_total": "Ray's name of a gauge, the size of the memory",
}
"""What is broken on purpose, and why."""
_RATE_INTERVAL = "8861s"
"""A duration that stands in no query."""
_DURATIONS = {
    "$__rate_interval": _RATE_INTERVAL,
    "$__interval_ms": "4861000",
    "$__interval": "4861s",
    "$__range_s": "6067",
    "$__range": "6067s",
}
dashboards = pytest.mark.parametrize("dashboard", [load(*each) for each in EACH], ids=lambda found: found["uid"])


def filled_in(text: str) -> str:
    for variable, value in {**_DURATIONS, "$node_ip": "127.0.0.1", "$node": "M1", "$location": ".*"}.items():
        text = text.replace(variable, value)
    return text


def targets(dashboard: Json) -> Iterator[str]:
    for panel in dashboard["panels"]:
        yield from (filled_in(target["expr"]) for target in panel["targets"])


def variables(dashboard: Json, kind: str) -> list[Json]:
    return [row for row in dashboard["templating"]["list"] if row["type"] == kind]


def calls(text: str) -> list[tuple[str, str]]:
    """Return every range selector with the function around it (empty where there is none)."""
    return re.findall(r"(\w*)\([\w:]+(?:\{[^}]*\})?\[([^\]]+)\]", text)


def nodes(tree: Any, kind: type) -> list[Any]:
    found: list[Any] = []
    promql.walk(tree, lambda node: found.append(node))
    return [node for node in found if isinstance(node, kind)]


@dashboards
def test_template_datasource_rule(dashboard: Json) -> None:
    (chosen,) = variables(dashboard, "datasource")
    assert (chosen["name"], chosen["query"]) == ("datasource", "prometheus")
    assert chosen["label"] == ("Data source" if dashboard["uid"].endswith("-en") else "数据源")


@dashboards
def test_template_label_promql_rule(dashboard: Json) -> None:
    for variable in variables(dashboard, "query"):
        series = re.fullmatch(r"label_values\((.+), \w+\)", filled_in(variable["query"]))
        assert series, variable["query"]
        promql.parse(series[1])


@dashboards
def test_template_on_time_change_reload_rule(dashboard: Json) -> None:
    assert {variable["refresh"] for variable in variables(dashboard, "query")} <= {2}


@dashboards
def test_panel_datasource_rule(dashboard: Json) -> None:
    for panel in dashboard["panels"]:
        assert {row["datasource"]["uid"] for row in (panel, *panel["targets"])} == {"${datasource}"}


@dashboards
def test_panel_title_description_rule(dashboard: Json) -> None:
    assert all(panel["title"] and panel["description"] for panel in dashboard["panels"])


@dashboards
def test_panel_units_rule(dashboard: Json) -> None:
    known = {"none", "short", "percent", "percentunit", "s", "ops", "celsius"}
    assert {panel["fieldConfig"]["defaults"]["unit"] for panel in dashboard["panels"]} <= known


@dashboards
def test_panel_no_targets_rule(dashboard: Json) -> None:
    assert all(panel["targets"] for panel in dashboard["panels"])


@dashboards
def test_target_promql_rule(dashboard: Json) -> None:
    for text in targets(dashboard):
        promql.parse(text)


@dashboards
def test_target_rate_interval_rule(dashboard: Json) -> None:
    for text in targets(dashboard):
        assert all(span == _RATE_INTERVAL for function, span in calls(text) if function in {"rate", "irate"}), text


@dashboards
def test_target_counter_agg_rule(dashboard: Json) -> None:
    excepted = {name.rpartition(" of ")[2] for name in EXCEPTIONS if " of " in name}
    for text in targets(dashboard):
        tree = promql.parse(text)
        rated = {
            selector.vector_selector.name
            for call in nodes(tree, promql.Call)
            if call.func.name in {"rate", "irate", "increase"}
            for selector in nodes(call, promql.MatrixSelector)
        }
        counters = {row.name for row in nodes(tree, promql.VectorSelector) if row.name and row.name.endswith("_total")}
        assert counters <= rated | excepted, text


def test_every_exception_is_still_needed() -> None:
    assert all(dashboard["editable"] for dashboard in (load(*each) for each in EACH))
    names = {row["name"] for each in EACH for row in load(*each)["templating"]["list"]}
    assert names.isdisjoint({"job", "instance"})
    texts = [text for each in EACH for text in targets(load(*each))]
    for counter in (name.partition(" of ")[2] for name in EXCEPTIONS if " of " in name):
        assert any(counter in text for text in texts)
    assert not any('instance="' in text for text in texts)


def test_rate_interval_rule_sees_a_fixed_one() -> None:
    assert calls("sum(rate(up[1m]))") == [("rate", "1m")]
