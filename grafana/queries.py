"""All PromQL of the dashboards, by name."""

from __future__ import annotations

from typing import Final

from exporter.states import DETECTING, SENDING, UNKNOWN
from grafana.promql import code, history, in_order, now_in_order, per_node, values_of

_FLEET: Final = 'node=~"$node"'
_ONE: Final = 'node="$node"'
_JOBS: Final = 'job=~"cmzsb-monitor|castray-bridge|ray"'
_BRIDGE: Final = 'up{job="castray-bridge"}'

# Variables
NODES: Final = values_of("node", "node:cmzsb_work_state:code")
NODE_IP: Final = values_of("node_ip", f'up{{job="cmzsb-monitor", {_ONE}}}')

# Nodes without an answer
LOST: Final = "max by (node, node_ip) (castray_bridge_node_present) == 0"
UNREACHABLE: Final = "max by (node, node_ip) (castray_bridge_node_reachable) == 0"
NOT_SCRAPED: Final = 'max by (node, node_ip) (up{job="cmzsb-monitor", node!=""}) == 0'
SILENT: Final = f"1 + ({LOST})\nor on (node) 2 + ({UNREACHABLE})\nor on (node) 3 + ({NOT_SCRAPED})"
"""Why a light is grey: 1 not alive in Ray, 2 no answer to the bridge, 3 no answer to Prometheus."""

# Fleet
LIGHTS: Final = now_in_order(_FLEET)
SENDS_PER_MINUTE: Final = f"60 * node:cmzsb_sent_to_server:rate5m{{{_FLEET}}}"
SENDS_THRESHOLD: Final = "cmzsb:sends_per_minute:threshold"
SENDS_LAST_HOUR: Final = f"sum by (node) (increase(cmzsb_sent_to_server_total{{{_FLEET}}}[1h]))"
LOW_CONFIDENCE: Final = f"node:cmzsb_low_confidence:ratio_rate15m{{{_FLEET}}}"
LOW_CONFIDENCE_THRESHOLD: Final = "cmzsb:low_confidence_ratio:threshold"
INFERENCE_MEAN: Final = f"node:cmzsb_inference_duration_seconds:mean5m{{{_FLEET}}}"
INFERENCE_P95: Final = f"node:cmzsb_inference_duration_seconds:p95_15m{{{_FLEET}}}"
REPORT_AGE: Final = f"node:cmzsb_report:age_seconds{{{_FLEET}}}"
REPORT_AGE_THRESHOLD: Final = "cmzsb:report_age_seconds:threshold"
INFERENCE_P95_THRESHOLD: Final = "cmzsb:inference_p95_seconds:threshold"
_ALERTS: Final = 'alertname=~"Cmzsb.*|CastRay.*"'
_ALERTS_HERE: Final = f'{_ALERTS}, node=~"$node|"'
"""Alerts of the chosen nodes, and alerts that are about no node."""
FIRING: Final = (
    f"1000 * max by (alertname, node, severity) (ALERTS_FOR_STATE{{{_ALERTS_HERE}}})\n"
    f'and max by (alertname, node, severity) (ALERTS{{alertstate="firing", {_ALERTS_HERE}}})'
)
"""Firing alerts: the time, in milliseconds since 1970, from which on the condition of each has held."""


def _beginnings(alerts: str) -> str:
    # If alerts were marked for as long as they fire, a few of them would cover all charts.
    firing = f'ALERTS{{alertstate="firing", {alerts}}}'
    return f"max by (alertname, node) ({firing}) unless max by (alertname, node) ({firing} offset $__interval)"


ALERT_ANNOTATIONS: Final = _beginnings(_ALERTS_HERE)
"""The moments at which an alert begins to fire."""
ALL_ALERT_ANNOTATIONS: Final = _beginnings(_ALERTS)
"""The same for a dashboard without a choice of nodes."""


def state_count(state: str) -> str:
    """Return how many nodes are in `state` over time; 0 also when no node is known."""
    return f'max(fleet:cmzsb_work_state:count{{state="{state}"}} or on () vector(0))'


MOST_ROWS: Final = 30
"""Rows of the timeline that can still be told apart."""
_SENT_IN_RANGE: Final = f"sum by (node) (increase(cmzsb_sent_to_server_total{{{_FLEET}}}[$__range] @ end()))"
_URGENCY: Final = (
    f"1e9 * {per_node(f'{code(_FLEET)} @ end() == bool {UNKNOWN.code}')}\n"
    f"+ on (node) ({_SENT_IN_RANGE} or on (node) 0 * {per_node(f'{code(_FLEET)} @ end()')})"
)
FLEET_HISTORY: Final = in_order(f"({history(_FLEET)})\nand on (node) topk({MOST_ROWS}, {_URGENCY})")

# Node
NODE_LIGHT: Final = code(_ONE)
NODE_HISTORY: Final = history(_ONE)
NODE_STATE_AGE: Final = f"max by (node) (cmzsb_state_age_seconds{{{_ONE}}})"
NODE_STATE_LIMIT: Final = (
    f"max(cmzsb:stuck_sending_seconds:threshold and on () {NODE_LIGHT} == {SENDING.code}\n"
    f"or cmzsb:stuck_detecting_seconds:threshold and on () {NODE_LIGHT} == {DETECTING.code}\n"
    "or on () vector(1e9))"
)
"""How long the present state may last, in seconds. Idle has no limit."""
NODE_REPORT_AGE: Final = f"node:cmzsb_report:age_seconds{{{_ONE}}}"
NODE_STATE_SECONDS: Final = f"sum by (state) (increase(cmzsb_state_seconds_total{{{_ONE}}}[$__range]))"
NODE_STATE_SHARE: Final = f"node:cmzsb_state_seconds:share5m{{{_ONE}}}"
NODE_SENDS: Final = f"60 * node:cmzsb_sent_to_server:rate5m{{{_ONE}}}"
NODE_PROCESSED: Final = f"60 * node:cmzsb_processed:rate5m{{{_ONE}}}"
NODE_LOW_CONFIDENCE: Final = f"node:cmzsb_low_confidence:ratio_rate15m{{{_ONE}}}"
NODE_INFERENCE_MEAN: Final = f"node:cmzsb_inference_duration_seconds:mean5m{{{_ONE}}}"
NODE_INFERENCE_BUCKETS: Final = (
    f"sum by (le) (increase(cmzsb_inference_duration_seconds_bucket{{{_ONE}}}[$__rate_interval]))"
)
NODE_CPU: Final = 'max by (ip) (ray_node_cpu_utilization{ip="$node_ip"})'
NODE_MEMORY: Final = (
    '100 * max by (ip) (ray_node_mem_used{ip="$node_ip"}) / max by (ip) (ray_node_mem_total{ip="$node_ip"})'
)
NODE_GPU: Final = 'avg by (ip) (ray_node_gpus_utilization{ip="$node_ip"})'


def node_inference_quantile(quantile: float) -> str:
    """Return the quantile of the node's inference time, in seconds; no value without inferences."""
    buckets = f"sum by (le) (rate(cmzsb_inference_duration_seconds_bucket{{{_ONE}}}[$__rate_interval]))"
    return f"histogram_quantile({quantile:g}, {buckets}) > 0"


# Monitoring health
SCRAPE_SECONDS: Final = f"max by (job) (scrape_duration_seconds{{{_JOBS}}})"
SCRAPE_FAILURES: Final = f"sum by (job) (1 - up{{{_JOBS}}})"
PROBE_QUANTILE: Final = (
    "histogram_quantile(0.95, sum by (le) (rate(castray_bridge_probe_duration_seconds_bucket[$__rate_interval]))) > 0"
)
PROBES: Final = "sum by (result) (rate(castray_bridge_probes_total[$__rate_interval]))"
SNAPSHOT_AGE: Final = (
    "clamp_min(max(\n"
    f"  time() - last_over_time(castray_bridge_snapshot_timestamp_seconds[1d]) and on (instance) {_BRIDGE}\n"
    "), 0)"
)
"""In seconds. It goes on growing after the bridge has died, as long as Prometheus has the bridge as a target."""
SNAPSHOT_THRESHOLD: Final = "cmzsb:bridge_age_seconds:threshold"
RAY_UP: Final = f"max(castray_bridge_ray_up) or on () 0 * max({_BRIDGE}) - 1"
"""Whether Ray answers, 1 or 0; -1 when that is unknown because the bridge has died."""
STALE_COUNT: Final = "sum(cmzsb_status_stale)"
STALE: Final = "max by (node, node_ip) (cmzsb_status_stale) == 1"
VERSIONS: Final = (
    "max by (node, version) (\n"
    '  cmzsb_build_info or label_replace(castray_bridge_build_info, "node", "castray-bridge", "", "")\n'
    ")"
)
JOURNAL_ERRORS: Final = "sum by (node) (increase(cmzsb_journal_errors_total[$__rate_interval])) > 0"
CLIENTS: Final = "max(castray_bridge_websocket_clients)"
REPORTS: Final = "sum by (result) (rate(cmzsb_reports_total[$__rate_interval]))"
