"""All PromQL of the dashboards, by name. What is not a recorded series is written here and nowhere else."""

from __future__ import annotations

from typing import Final

from exporter.states import SENDING

_FLEET: Final = 'node=~"$node"'
_ONE: Final = 'node="$node"'

# Fleet
LIGHTS: Final = f"node:cmzsb_work_state:code{{{_FLEET}}}"
STATE_COUNTS: Final = "fleet:cmzsb_work_state:count"
SENDS_PER_MINUTE: Final = f"60 * node:cmzsb_sent_to_server:rate5m{{{_FLEET}}}"
SENDS_THRESHOLD: Final = "cmzsb:sends_per_minute:threshold"
SENDS_LAST_HOUR: Final = f"sum by (node) (increase(cmzsb_sent_to_server_total{{{_FLEET}}}[1h]))"
LOW_CONFIDENCE: Final = f"node:cmzsb_low_confidence:ratio_rate15m{{{_FLEET}}}"
LOW_CONFIDENCE_THRESHOLD: Final = "cmzsb:low_confidence_ratio:threshold"
INFERENCE_MEAN: Final = f"node:cmzsb_inference_duration_seconds:mean5m{{{_FLEET}}}"
INFERENCE_P95: Final = f"node:cmzsb_inference_duration_seconds:p95_15m{{{_FLEET}}}"
REPORT_AGE: Final = f"node:cmzsb_report:age_seconds{{{_FLEET}}}"
FIRING: Final = (
    'max by (alertname, node, severity) (ALERTS{alertstate="firing", alertname=~"Cmzsb.*|CastRay.*", node=~"$node|"})'
)
ALERT_ANNOTATIONS: Final = (
    'max by (alertname, node) (ALERTS{alertstate="firing", alertname=~"Cmzsb.*|CastRay.*", node=~"$node|"})'
)


def history(selector: str) -> str:
    """Return the states over time. A sending shorter than the distance of two evaluations shows all the same."""
    entered = f'increase(cmzsb_state_entries_total{{state="{SENDING.name}", {selector}}}[$__rate_interval])'
    return (
        f"{SENDING.code} * (sum by (node) ({entered}) > bool 0) > 0\n"
        f"or max_over_time(node:cmzsb_work_state:code{{{selector}}}[$__interval])"
    )


FLEET_HISTORY: Final = history(_FLEET)

# Node
NODE_LIGHT: Final = f"node:cmzsb_work_state:code{{{_ONE}}}"
NODE_HISTORY: Final = history(_ONE)
NODE_STATE_AGE: Final = f"max by (node) (cmzsb_state_age_seconds{{{_ONE}}})"
NODE_REPORT_AGE: Final = f"node:cmzsb_report:age_seconds{{{_ONE}}}"
NODE_STATE_SECONDS: Final = f"sum by (state) (increase(cmzsb_state_seconds_total{{{_ONE}}}[$__range]))"
NODE_STATE_SHARE: Final = f"node:cmzsb_state_seconds:share5m{{{_ONE}}}"
NODE_SENDS: Final = f"60 * sum by (node) (rate(cmzsb_sent_to_server_total{{{_ONE}}}[$__rate_interval]))"
NODE_PROCESSED: Final = f"60 * sum by (node) (rate(cmzsb_processed_total{{{_ONE}}}[$__rate_interval]))"
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
