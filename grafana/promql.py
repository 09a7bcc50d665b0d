"""Forms of PromQL that several queries of the dashboards share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from exporter.states import IDLE, SENDING
from grafana.state_fields import IDLE_WITHOUT_REPORTS, SHARES_FROM

_MOST_DIGITS: Final = 4
_KNOWN: Final = "node:cmzsb_work_state:code"
_ELSEWHERE: Final = 'up{job="cmzsb-monitor", node!="", location!~"$location"} @ end()'
"""Monitors of other locations than the chosen ones; none when all are chosen."""
SHORT_RANGE_SECONDS: Final = 2 * 3600
"""Time range up to which a timeline shows states; beyond, the most urgent state would win too many steps."""


def per_node(promql: str) -> str:
    """Return `promql` with `node` as its only label, by which a table joins its columns."""
    return f"max by (node) ({promql})"


def share_of(promql: str, limit: str) -> str:
    """Return the share of `limit`, a series without labels, that `promql` has reached."""
    return f"({promql}) / on () group_left () {limit}"


def limit_for(promql: str, limit: str) -> str:
    """Return `limit` while `promql` has a value: a limit alone would be shown as the figure."""
    return f"{limit} and on () ({promql})"


def here(promql: str) -> str:
    """Return `promql` without the nodes of other locations; a node whose location is unknown stays."""
    return f"(({promql})\nunless on (node) {_ELSEWHERE})"


def or_unknown(promql: str, value: float, *, known: str = _KNOWN) -> str:
    """Return `promql`, or `value` without labels while the series `known` is absent: an empty list is no all-clear."""
    return f"({promql})\nor on () {value:g} * absent({known})"


def values_of(label: str, selector: str) -> str:
    """Return Grafana's query of the values that `label` has, for a variable."""
    return f"label_values({selector}, {label})"


def code(selector: str) -> str:
    """Return the codes of the lights: 0 no answer, else that of the state."""
    return f"{_KNOWN}{{{selector}}}"


def light(selector: str) -> str:
    """Return the codes of the lights; a light that is idle only because its script is silent has half a code more."""
    uncertain = f"(max by (node) (cmzsb_status_stale) == 1) and on (node) {code(selector)} == {IDLE.code}"
    more = f"{IDLE_WITHOUT_REPORTS - IDLE.code:g} * ({uncertain}) or on (node) 0 * {per_node(code(selector))}"
    return f"{now_in_order(lambda digits: code(f'{selector}{digits}'))}\n+ on (node) ({more})"


def now_in_order(query: Callable[[str], str]) -> str:
    """Return `query` for an instant query, in an order in which M2 comes before M10.

    `query` takes matchers of the label `node` that begin with a comma, or none at all.
    """
    # `or` keeps the order of its sides, and Prometheus orders by letters: M2 comes before M10 by its length.
    lengths = (query(f', node=~"{_ending_in(digits)}"') for digits in _digits())
    return "(" + "\nor on (node) ".join([*lengths, query("")]) + ")"


def in_order(promql: str) -> str:
    """Return `promql` for a range query, in an order in which M2 comes before M10: ranges are ordered by labels."""
    for digits in _digits():
        promql = f'label_replace({promql}, "digits", "{digits}", "node", "{_ending_in(digits)}")'
    return promql


def _ending_in(digits: int) -> str:
    return f"(.*[^0-9])?[0-9]{{{digits}}}"


def _digits() -> range:
    return range(1, _MOST_DIGITS + 1)


def history(selector: str) -> str:
    """Return the states over time; over a long time, the shares of time in sending (see `state_fields`)."""
    # Both forms are in one query. A comparison with a number that is huge for one of them empties it early: an `and`
    # would cost as much as computing both for all nodes.
    is_long, is_short = (f"($__range_s {sign} bool {SHORT_RANGE_SECONDS})" for sign in (">", "<="))
    return (
        f"{_entered_sending(selector)} > 1e15 * {is_long}\n"
        f"or {_shares_of_sending(selector, is_short)}\n"
        # The last `or` is for steps without an evaluation of the rules: a late evaluation must leave no gap. Over a
        # long time, what has no share gave no answer.
        f"or (max_over_time({code(selector)}[$__interval]) or 0 + {code(selector)}) * {is_short}"
    )


def _entered_sending(selector: str) -> str:
    # Also a sending shorter than the interval of the rules is visible: the difference of two steps shows each sending
    # in one step. A rate would spread it over $__rate_interval, and a node that sends for a second three times a
    # minute would be red all the time.
    entries = f'cmzsb_state_entries_total{{state="{SENDING.name}", {selector}}}'
    return f"{SENDING.code} + 0 * max by (node) ({entries} > {entries} offset $__interval)"


def _shares_of_sending(selector: str, never: str) -> str:
    # Exact: the differences of two steps join without a gap or an overlap.
    seconds = f'cmzsb_state_seconds_total{{state="{SENDING.name}", {selector}}}'
    spent = f"max by (node) (({seconds} >= 1e15 * {never}) - {seconds} offset $__interval)"
    return f"{SHARES_FROM} + clamp(1000 * {spent} / $__interval_ms, 0, 1)"


def share_of_time(selector: str, state: str) -> str:
    """Return the share of time in `state` per step, exact to the second: the monitors count the seconds."""
    seconds = f'cmzsb_state_seconds_total{{state="{state}", {selector}}}'
    whole = f"cmzsb_state_seconds_total{{{selector}}}"
    # The differences of two steps join without a gap or an overlap, so that the shares of all steps are the share of
    # the whole time. Of the step in which a monitor was restarted, and of the first one, only the rates are known.
    return (
        f"(clamp_min(sum by (node) ({seconds} - {seconds} offset $__interval), 0)\n"
        f"/ (sum by (node) ({whole} - {whole} offset $__interval) > 0)\n"
        f"or sum by (node) (rate({seconds}[$__rate_interval]))\n"
        f"/ (sum by (node) (rate({whole}[$__rate_interval])) > 0))"
    )


def beginnings(alerts: str, most_seconds: int) -> str:
    """Return the moments at which an alert begins to fire; nothing over a time range of more than `most_seconds`."""
    # If alerts were marked for as long as they fire, a few of them would cover all charts.
    firing = f'ALERTS{{alertstate="firing", {alerts}}}'
    return (
        f"max by (alertname, node) ({firing}) unless max by (alertname, node) ({firing} offset $__interval)\n"
        f"and on () vector($__range_s) <= {most_seconds}"
    )
