"""PromQL of the Monitoring health dashboard, by name."""

from __future__ import annotations

from typing import Final

from grafana.promql import now_in_order
from grafana.queries import EVERY, lost, unreachable

JOBS: Final = ("cmzsb-monitor", "castray-bridge", "ray")
_JOBS: Final = f'job=~"{"|".join(JOBS)}"'
_BRIDGE: Final = 'up{job="castray-bridge"}'
NO_DATA: Final = "no data"
"""The name of the row that stands for a list whose source is absent."""


def _or_no_data(promql: str, source: str) -> str:
    return f'({promql})\nor on () label_replace(absent({source}), "node", "{NO_DATA}", "", "")'


def _stale(matchers: str) -> str:
    return f"max by (node, node_ip) (cmzsb_status_stale{{{matchers}}}) == 1"


UNREACHABLE: Final = _or_no_data(
    now_in_order(lambda digits: unreachable(EVERY + digits)), "castray_bridge_node_reachable"
)
LOST: Final = _or_no_data(now_in_order(lambda digits: lost(EVERY + digits)), "castray_bridge_node_present")
STALE: Final = _or_no_data(now_in_order(lambda digits: _stale(EVERY + digits)), "cmzsb_status_stale")
STALE_COUNT: Final = "sum(cmzsb_status_stale)"
CLIENTS: Final = "max(castray_bridge_websocket_clients)"
SNAPSHOT_AGE: Final = (
    "clamp_min(max(\n"
    f"  time() - last_over_time(castray_bridge_snapshot_timestamp_seconds[1d]) and on (instance) {_BRIDGE}\n"
    "), 0)"
)
"""In seconds. It goes on growing after the bridge has died, as long as Prometheus has the bridge as a target."""
SNAPSHOT_THRESHOLD: Final = "cmzsb:bridge_age_seconds:threshold"
RAY_UP: Final = f"max(castray_bridge_ray_up) or on () 0 * max({_BRIDGE}) - 1"
"""Whether Ray answers, 1 or 0; -1 when that is unknown because the bridge has died."""

# Versions
_VERSIONS: Final = (
    "max by (node, version) (\n"
    '  cmzsb_build_info or label_replace(castray_bridge_build_info, "node", "castray-bridge", "", "")\n'
    ")"
)
VERSION_COUNTS: Final = f"count by (version) ({_VERSIONS})"
LAGGARDS: Final = _or_no_data(f"{_VERSIONS}\nunless on (version) topk(1, {VERSION_COUNTS})", "cmzsb_build_info")
"""What runs another version than most do."""

# Over time
PROBES: Final = 'sum by (result) (rate(castray_bridge_probes_total{result!="ok"}[$__rate_interval]))'
PROBE_QUANTILE: Final = (
    "histogram_quantile(0.95, sum by (le) (rate(castray_bridge_probe_duration_seconds_bucket[$__rate_interval]))) > 0"
)
PROBE_TIMEOUT: Final = "vector(1)"
"""The default of the bridge's option --timeout, in seconds."""
SCRAPE_SECONDS: Final = f"max by (job) (scrape_duration_seconds{{{_JOBS}}})"
SCRAPE_TIMEOUT: Final = "vector(3)"
"""The scrape_timeout of monitors and bridge in prometheus.yml, in seconds."""
SCRAPE_FAILURES: Final = f"sum by (job) (1 - up{{{_JOBS}}})"
JOURNAL_ERRORS: Final = "round(sum by (node) (increase(cmzsb_journal_errors_total[$__rate_interval]))) > 0"
FAILED_DELIVERIES: Final = "round(sum by (service) (increase(cmzsb_notify_failed_total[1d])))"
LAST_DELIVERY: Final = "1000 * max by (service) (cmzsb_notify_last_success_timestamp_seconds) > 0"
"""In Unix milliseconds; a service that has taken no message yet is left out."""
REPORTS: Final = "sum by (result) (rate(cmzsb_reports_total[$__rate_interval]))"
REPORT_RESULTS: Final = ("accepted", "rejected")
