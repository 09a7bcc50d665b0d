"""PromQL of the Node dashboard, by name."""

from __future__ import annotations

from typing import Final

from exporter.states import DETECTING, SENDING, UNKNOWN
from grafana.promql import code, history, light, or_unknown, per_node, share_of_time
from grafana.queries import NO_NODE_KNOWN, ONE, silent

LIGHT: Final = light(ONE)
HISTORY: Final = history(ONE)
STATE_AGE: Final = f"max by (node) (cmzsb_state_age_seconds{{{ONE}}})"
STATE_LIMIT: Final = (
    f"max(cmzsb:stuck_sending_seconds:threshold and on () {code(ONE)} == {SENDING.code}\n"
    f"or cmzsb:stuck_detecting_seconds:threshold and on () {code(ONE)} == {DETECTING.code}\n"
    "or on () vector(1e9))"
)
"""How long the present state may last, in seconds. Idle has no limit."""
REPORT_AGE: Final = f"node:cmzsb_report:age_seconds{{{ONE}}}"

# What the board is, and why it does not answer
TARGET: Final = f'max by (node, node_ip, location) (up{{job="cmzsb-monitor", {ONE}}})'
VERSION: Final = f"max by (node, version) (cmzsb_build_info{{{ONE}}})"
_ANSWERS: Final = f"0 * {per_node(f'{code(ONE)} > {UNKNOWN.code}')}"
SILENT: Final = or_unknown(f"{silent(ONE)}\nor on (node) {_ANSWERS}", NO_NODE_KNOWN, known=code(ONE))
"""Why the node gives no answer, 0 where it does: of two joined queries without rows Grafana shows the headers alone."""
LAST_ANSWER: Final = (
    f"1000 * {per_node(f'max_over_time(timestamp({code(ONE)} > {UNKNOWN.code})[1d:15s])')}\n"
    f"and on (node) {code(ONE)} == {UNKNOWN.code}"
)
"""When a node that gives no answer gave its last one, in milliseconds since 1970; looked for within a day."""

# Figures over time
SENDS: Final = f"60 * node:cmzsb_sent_to_server:rate5m{{{ONE}}}"
PROCESSED: Final = f"60 * node:cmzsb_processed:rate5m{{{ONE}}}"
LOW_CONFIDENCE: Final = f"node:cmzsb_low_confidence:ratio_rate15m{{{ONE}}}"
INFERENCE_MEAN: Final = f"node:cmzsb_inference_duration_seconds:mean5m{{{ONE}}}"
INFERENCE_P50: Final = f"node:cmzsb_inference_duration_seconds:p50_15m{{{ONE}}}"
INFERENCE_P95: Final = f"node:cmzsb_inference_duration_seconds:p95_15m{{{ONE}}}"
INFERENCE_BUCKETS: Final = f"sum by (le) (increase(cmzsb_inference_duration_seconds_bucket{{{ONE}}}[$__rate_interval]))"
CPU: Final = 'max by (ip) (ray_node_cpu_utilization{ip="$node_ip"})'
MEMORY: Final = '100 * max by (ip) (ray_node_mem_used{ip="$node_ip"}) / max by (ip) (ray_node_mem_total{ip="$node_ip"})'
GPU: Final = (
    f'100 * max(cmzsb_gpu_utilization_ratio{{{ONE}}})\nor on () avg(ray_node_gpus_utilization{{ip="$node_ip"}})'
)
"""In percent: the monitor's figure, which a Jetson has; else Ray's."""
TEMPERATURE: Final = f"max by (zone) (cmzsb_temperature_celsius{{{ONE}}})"


def state_seconds(state: str) -> str:
    """Return how long the node was in `state` within the time range, in seconds."""
    return f'sum(increase(cmzsb_state_seconds_total{{state="{state}", {ONE}}}[$__range]))'


def state_share(state: str) -> str:
    """Return the share of time in `state` per step, from the seconds that the monitor counts."""
    return share_of_time(ONE, state)
