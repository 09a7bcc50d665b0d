"""All PromQL of the dashboards, by name. What is not a recorded series is written here and nowhere else."""

from __future__ import annotations

from typing import Final

from exporter.states import DETECTING, SENDING, UNKNOWN

_FLEET: Final = 'node=~"$node"'
_ONE: Final = 'node="$node"'

# Fleet
CODES: Final = f"node:cmzsb_work_state:code{{{_FLEET}}}"
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
SILENT: Final = (
    "1 + max by (node, node_ip) (castray_bridge_node_present == 0)\n"
    "or on (node) 2 + max by (node, node_ip) (castray_bridge_node_reachable == 0)\n"
    'or on (node) 3 + max by (node, node_ip) (up{job="cmzsb-monitor", node!=""} == 0)'
)
"""Why a light is grey: 1 not alive in Ray, 2 no answer to the bridge, 3 no answer to Prometheus."""

_ALERTS: Final = 'alertname=~"Cmzsb.*|CastRay.*", node=~"$node|"'
FIRING: Final = (
    f"1000 * max by (alertname, node, severity) (ALERTS_FOR_STATE{{{_ALERTS}}})\n"
    f'and max by (alertname, node, severity) (ALERTS{{alertstate="firing", {_ALERTS}}})'
)
"""Since when what an alert is about holds, in milliseconds since 1970, for those that fire."""


def _firing(offset: str = "") -> str:
    return f'max by (alertname, node) (ALERTS{{alertstate="firing", {_ALERTS}}}{offset})'


ALERT_ANNOTATIONS: Final = f"{_firing()} unless {_firing(' offset $__interval')}"
"""Where an alert begins to fire. Marked for as long as they fire, a few alerts would cover all charts."""


def state_count(state: str) -> str:
    """Return how many nodes are in `state` over time."""
    return f'fleet:cmzsb_work_state:count{{state="{state}"}}'


def per_node(promql: str) -> str:
    """Return `promql` with the label `node` alone, by which a table joins its columns."""
    return f"max by (node) ({promql})"


_MOST_DIGITS: Final = 4


def _lights() -> str:
    # `or` keeps the order of its sides, and Prometheus orders by letters: M2 comes before M10 by its length.
    lengths = (f'node:cmzsb_work_state:code{{{_FLEET}, node=~"(.*[^0-9])?[0-9]{{{digits}}}"}}' for digits in _digits())
    return "\nor ".join([*lengths, CODES])


def in_order(promql: str) -> str:
    """Return `promql`, asked over a range, so that M2 comes before M10: ranges are ordered by labels."""
    for digits in _digits():
        promql = f'label_replace({promql}, "digits", "{digits}", "node", "(.*[^0-9])?[0-9]{{{digits}}}")'
    return promql


def _digits() -> range:
    return range(1, _MOST_DIGITS + 1)


LIGHTS: Final = _lights()


def history(selector: str) -> str:
    """Return the states over time. A sending shorter than the distance of two evaluations shows all the same."""
    # The difference of two steps shows each sending in one step. A rate would spread it over $__rate_interval, and a
    # node that sends for a second three times a minute would be red all the time.
    entries = f'cmzsb_state_entries_total{{state="{SENDING.name}", {selector}}}'
    entered = f"sum by (node) ({entries} - {entries} offset $__interval)"
    code = f"node:cmzsb_work_state:code{{{selector}}}"
    # The last `or` is for steps without an evaluation in them: a late one must leave no hole.
    return (
        f"{SENDING.code} * ({entered} > bool 0) > 0\n"
        f"or max by (node) (max_over_time({code}[$__interval]))\n"
        f"or max by (node) ({code})"
    )


MOST_ROWS: Final = 30
"""As many rows of the timeline as can still be told apart."""
_SENT_IN_RANGE: Final = f"sum by (node) (increase(cmzsb_sent_to_server_total{{{_FLEET}}}[$__range] @ end()))"
_URGENCY: Final = (
    f"1e9 * max by (node) ({CODES} @ end() == bool {UNKNOWN.code})\n"
    f"+ on (node) ({_SENT_IN_RANGE} or on (node) 0 * max by (node) ({CODES} @ end()))"
)
FLEET_HISTORY: Final = in_order(f"({history(_FLEET)})\nand on (node) topk({MOST_ROWS}, {_URGENCY})")

# Node
NODE_LIGHT: Final = f"node:cmzsb_work_state:code{{{_ONE}}}"
NODE_HISTORY: Final = history(_ONE)
NODE_STATE_AGE: Final = f"max by (node) (cmzsb_state_age_seconds{{{_ONE}}})"
NODE_STATE_LIMIT: Final = (
    f"max(cmzsb:stuck_sending_seconds:threshold and on () {NODE_LIGHT} == {SENDING.code}\n"
    f"or cmzsb:stuck_detecting_seconds:threshold and on () {NODE_LIGHT} == {DETECTING.code}\n"
    "or on () vector(1e9))"
)
"""How long the present state may last, in seconds. Idle may last for ever."""
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
    """Return the quantile of the inference time of the one node, in seconds."""
    buckets = f"sum by (le) (rate(cmzsb_inference_duration_seconds_bucket{{{_ONE}}}[$__rate_interval]))"
    return f"histogram_quantile({quantile:g}, {buckets})"


# Monitoring health
SCRAPE_SECONDS: Final = 'max by (job) (scrape_duration_seconds{job=~"cmzsb-monitor|castray-bridge|ray"})'
SCRAPE_FAILURES: Final = 'sum by (job) (1 - up{job=~"cmzsb-monitor|castray-bridge|ray"})'
PROBE_QUANTILE: Final = (
    "histogram_quantile(0.95, sum by (le) (rate(castray_bridge_probe_duration_seconds_bucket[$__rate_interval])))"
)
PROBES: Final = "sum by (result) (rate(castray_bridge_probes_total[$__rate_interval]))"
SNAPSHOT_AGE: Final = "max(time() - castray_bridge_snapshot_timestamp_seconds)"
SNAPSHOT_THRESHOLD: Final = "cmzsb:bridge_age_seconds:threshold"
RAY_UP: Final = "max(castray_bridge_ray_up)"
UNREACHABLE: Final = "max by (node, node_ip) (castray_bridge_node_reachable) == 0"
LOST: Final = "max by (node, node_ip) (castray_bridge_node_present) == 0"
STALE: Final = "sum(cmzsb_status_stale)"
VERSIONS: Final = "count by (version) (cmzsb_build_info)"
JOURNAL_ERRORS: Final = "sum by (node) (increase(cmzsb_journal_errors_total[$__rate_interval])) > 0"
CLIENTS: Final = "max(castray_bridge_websocket_clients)"
REPORTS: Final = "sum by (result) (rate(cmzsb_reports_total[$__rate_interval]))"
