"""A lint of PromQL that knows which series exist, what kind they are and which labels they have."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import promql_parser as promql

from exporter.states import BY_NAME, REPORTABLE
from tests.prometheus.label_flow import Labels, flow
from tests.prometheus.promql import rules
from tests.prometheus.series import exposed

TARGET_LABELS = frozenset({"job", "instance", "node", "node_ip", "location"})
"""`location` comes from the inventory."""
STATE_GAUGE = "cmzsb_work_status"
_FOR_COUNTERS = {"rate", "irate", "increase", "resets"}
_FOR_GAUGES = {"deriv", "delta", "idelta", "predict_linear", "double_exponential_smoothing", "holt_winters"}
_NAMEABLE = frozenset({"node", "node_ip", "state", "digits", "symbol", "alertname", "severity", "filter", "and_node"})
"""What `label_replace` may make; `digits` orders names, `filter` and `and_node` are Alertmanager's filter."""


_RECORDED_COUNTERS = frozenset({"node:cmzsb_state_seconds:sum"})
"""Recorded sums that rise with one process and begin at 0 with the next."""


class Series(NamedTuple):
    """What the lint knows of a series: may it be rated, and which labels may it have?"""

    rateable: bool
    labels: frozenset[str]


FOREIGN = {
    # What Prometheus makes itself.
    "up": Series(False, TARGET_LABELS),
    "scrape_duration_seconds": Series(False, TARGET_LABELS),
    "ALERTS": Series(False, frozenset({"alertname", "alertstate", "severity", "scope", "node"})),
    "ALERTS_FOR_STATE": Series(False, frozenset({"alertname", "severity", "scope", "node"})),
    # Alertmanager's own.
    "alertmanager_notifications_failed_total": Series(True, frozenset({"integration", "job", "instance"})),
    # Ray's own exporters, as of Ray 2.60.
    "ray_node_cpu_utilization": Series(False, frozenset({"ip", "job", "instance"})),
    "ray_node_mem_used": Series(False, frozenset({"ip", "job", "instance"})),
    "ray_node_mem_total": Series(False, frozenset({"ip", "job", "instance"})),
    "ray_node_gpus_utilization": Series(False, frozenset({"ip", "job", "instance"})),
}


@functools.cache
def known() -> dict[str, Series]:
    """Return every series by name: scraped, recorded by a rule, or foreign."""
    found = dict(FOREIGN)
    for metrics in exposed().values():
        for metric in metrics:
            rateable = metric.kind in {"counter", "histogram"}
            found |= {name: Series(rateable, metric.labels | TARGET_LABELS | {"le"}) for name in metric.samples}
    for _, rule in rules():
        if "record" in rule:
            # A rule may read what another one records, in the order of the files' groups.
            labels = flow(promql.parse(rule["expr"]), lambda s: _labels_of(s, found), _NAMEABLE).labels
            before = found.get(rule["record"], Series(False, frozenset())).labels
            is_counter = rule["record"] in _RECORDED_COUNTERS
            found[rule["record"]] = Series(is_counter, before | labels | frozenset(rule.get("labels", {})))
    return found


def _labels_of(selector: Any, series: Mapping[str, Series]) -> Labels:
    return series[selector.name].labels if selector.name in series else frozenset()


def faults(text: str) -> list[str]:
    """Return what is wrong with a query; [] is what every query must give."""
    try:
        tree = promql.parse(text)
    except ValueError as error:
        return [f"does not parse: {error}"]
    nodes = list(_nodes(tree))
    selectors = [node for node in nodes if isinstance(node, promql.VectorSelector)]
    found = [fault for selector in selectors for fault in _selector_faults(selector)]
    found += [fault for node in nodes if isinstance(node, promql.Call) for fault in _call_faults(node)]
    found += flow(tree, lambda selector: _labels_of(selector, known()), _NAMEABLE).faults
    return found


def _selector_faults(selector: Any) -> Iterator[str]:
    series = known().get(selector.name)
    if series is None:
        yield f"reads {selector.name}, which does not exist"
        return
    matchers = {matcher.name: matcher for matcher in selector.matchers.matchers}
    for label in sorted(matchers.keys() - series.labels):
        yield f"{selector.name} has no label {label}"
    if selector.name == STATE_GAUGE and not _picks_one_of(matchers.get("state"), {row.name for row in REPORTABLE}):
        yield f"{STATE_GAUGE} without one state"
    elif "state" in matchers and not _picks_one_of(matchers["state"], set(BY_NAME) | {"firing", "pending"}):
        yield f"{selector.name}: no such state"


def _picks_one_of(matcher: Any, values: set[str]) -> bool:
    return matcher is not None and matcher.op == promql.MatchOp.Equal and matcher.value in values


def _call_faults(call: Any) -> Iterator[str]:
    name = call.func.name
    if name == "count_over_time":
        # Ranges became left-open in Prometheus 3: one sample fewer than in 2.x.
        yield "counts samples"
    read = [node for node in _nodes(call) if isinstance(node, promql.VectorSelector) and node.name in known()]
    for selector in read:
        is_counter = known()[selector.name].rateable
        if name in _FOR_COUNTERS and not is_counter:
            yield f"rates {selector.name}, which is no counter"
        if name in _FOR_GAUGES and is_counter:
            yield f"{name} of {selector.name}, which is a counter"


def _nodes(tree: Any) -> Iterator[Any]:
    found: list[Any] = []
    # None lets the walk go on.
    promql.walk(tree, lambda node: found.append(node))
    return iter(found)
