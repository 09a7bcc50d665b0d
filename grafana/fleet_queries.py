"""PromQL of the Fleet dashboard, by name."""

from __future__ import annotations

from typing import Final

from exporter.states import UNKNOWN
from grafana.promql import code, here, history, in_order, per_node
from grafana.queries import CHOSEN, LOW_CONFIDENCE_THRESHOLD, SENDS_THRESHOLD

_SENDS: Final = f"node:cmzsb_sent_to_server:rate5m{{{CHOSEN}}}"
_LOW_CONFIDENCE: Final = f"node:cmzsb_low_confidence:ratio_rate15m{{{CHOSEN}}}"
MOST_LINES: Final = 10
"""Lines of a chart that can still be told apart."""
MOST_ROWS: Final = 30
"""Rows of the timeline that can still be told apart."""


def _highest(series: str, factor: str, limit: str) -> str:
    """Return the nodes that were highest within the time range, and those that are over the limit at its end."""
    peaks = here(f"max_over_time({series}[$__range] @ end())")
    over = here(f"{factor}{series} @ end() > on () group_left () {limit} @ end()")
    return f"{factor}{series}\nand on (node) (topk({MOST_LINES}, {peaks}) or on (node) ({over}))"


def _median(promql: str) -> str:
    return f"quantile(0.5, {here(promql)})"


SENDS_PER_MINUTE: Final = here(f"60 * {_SENDS}")
LOW_CONFIDENCE: Final = here(_LOW_CONFIDENCE)
HIGHEST_SENDS: Final = _highest(_SENDS, "60 * ", SENDS_THRESHOLD)
MEDIAN_SENDS: Final = _median(f"60 * {_SENDS}")
HIGHEST_LOW_CONFIDENCE: Final = _highest(_LOW_CONFIDENCE, "", LOW_CONFIDENCE_THRESHOLD)
MEDIAN_LOW_CONFIDENCE: Final = _median(_LOW_CONFIDENCE)

# The table
SENDS_LAST_HOUR: Final = here(f"sum by (node) (increase(cmzsb_sent_to_server_total{{{CHOSEN}}}[1h]))")
INFERENCE_MEAN: Final = here(f"node:cmzsb_inference_duration_seconds:mean5m{{{CHOSEN}}}")
INFERENCE_P95: Final = here(f"node:cmzsb_inference_duration_seconds:p95_15m{{{CHOSEN}}}")
REPORT_AGE: Final = here(f"node:cmzsb_report:age_seconds{{{CHOSEN}}}")

# The timeline
_SENT_IN_RANGE: Final = f"sum by (node) (increase(cmzsb_sent_to_server_total{{{CHOSEN}}}[$__range] @ end()))"
_URGENCY: Final = here(
    f"1e9 * {per_node(f'{code(CHOSEN)} @ end() == bool {UNKNOWN.code}')}\n"
    f"+ on (node) ({_SENT_IN_RANGE} or on (node) 0 * {per_node(f'{code(CHOSEN)} @ end()')})"
)
HISTORY: Final = in_order(f"({history(CHOSEN)})\nand on (node) topk({MOST_ROWS}, {_URGENCY})")
