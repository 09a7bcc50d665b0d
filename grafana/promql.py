"""Forms of PromQL that several queries of the dashboards share."""

from __future__ import annotations

from typing import Final

from exporter.states import SENDING

_MOST_DIGITS: Final = 4


def per_node(promql: str) -> str:
    """Return `promql` with `node` as its only label, by which a table joins its columns."""
    return f"max by (node) ({promql})"


def share_of(promql: str, limit: str) -> str:
    """Return the share of `limit`, a series without labels, that `promql` has reached."""
    return f"({promql}) / on () group_left () {limit}"


def limit_for(promql: str, limit: str) -> str:
    """Return `limit` while `promql` has a value: a limit alone would be shown as the figure."""
    return f"{limit} and on () ({promql})"


def values_of(label: str, selector: str) -> str:
    """Return Grafana's query of the values that `label` has, for a variable."""
    return f"label_values({selector}, {label})"


def code(selector: str) -> str:
    """Return the codes of the lights: 0 no answer, else that of the state."""
    return f"node:cmzsb_work_state:code{{{selector}}}"


def now_in_order(selector: str) -> str:
    """Return the codes for an instant query, in an order in which M2 comes before M10."""
    # `or` keeps the order of its sides, and Prometheus orders by letters: M2 comes before M10 by its length.
    lengths = (code(f'{selector}, node=~"{_ending_in(digits)}"') for digits in _digits())
    return "\nor ".join([*lengths, code(selector)])


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
    """Return the states over time, in which also a sending shorter than the interval of the rules is visible."""
    # The difference of two steps shows each sending in one step. A rate would spread it over $__rate_interval, and a
    # node that sends for a second three times a minute would be red all the time.
    entries = f'cmzsb_state_entries_total{{state="{SENDING.name}", {selector}}}'
    entered = f"sum by (node) ({entries} - {entries} offset $__interval)"
    # The last `or` is for steps without an evaluation of the rules: a late evaluation must leave no gap.
    return (
        f"{SENDING.code} * ({entered} > bool 0) > 0\n"
        f"or max by (node) (max_over_time({code(selector)}[$__interval]))\n"
        f"or max by (node) ({code(selector)})"
    )
