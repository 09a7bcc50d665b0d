"""PromQL that several dashboards share, by name: variables, lights, counts, alerts, nodes without an answer."""

from __future__ import annotations

from typing import Final

from exporter.states import BY_NAME, STATES
from grafana.promql import beginnings, code, here, light, now_in_order, or_unknown, values_of
from grafana.state_fields import IDLE_WITHOUT_REPORTS

EVERY: Final = 'node!=""'
CHOSEN: Final = 'node=~"$node"'
ONE: Final = 'node="$node"'

# Variables
NODES: Final = values_of("node", code(""))
NODE_IP: Final = values_of("node_ip", f'up{{job="cmzsb-monitor", {ONE}}}')
LOCATIONS: Final = values_of("location", 'up{job="cmzsb-monitor"}')

# Limits
SENDS_THRESHOLD: Final = "cmzsb:sends_per_minute:threshold"
LOW_CONFIDENCE_THRESHOLD: Final = "cmzsb:low_confidence_ratio:threshold"
REPORT_AGE_THRESHOLD: Final = "cmzsb:report_age_seconds:threshold"
INFERENCE_P95_THRESHOLD: Final = "cmzsb:inference_p95_seconds:threshold"

# Lights
LIGHTS: Final = here(light(CHOSEN))


def _with_symbols(lights: str) -> str:
    """Return `lights` with the label `symbol`; in their order, because that is the order of the left side."""
    symbols = {float(state.code): state.symbol for state in STATES}
    symbols[IDLE_WITHOUT_REPORTS] = BY_NAME["idle"].symbol + "?"
    named = (
        f'label_replace(({lights}) == {value:g}, "symbol", "{symbol}", "", "")' for value, symbol in symbols.items()
    )
    return f"({lights})\n+ on (node) group_left (symbol) 0 * ({' or '.join(named)})"


WALL_LIGHTS: Final = here(_with_symbols(light(EVERY)))
"""The lights of all nodes; each has the symbol of its state as a label."""


def state_count(state: str) -> str:
    """Return how many nodes are in `state`; no value when no node is known."""
    return f"sum({here(code(EVERY))} == bool {BY_NAME[state].code})"


# Nodes without an answer
def lost(matchers: str) -> str:
    """Return 0 for each node that should exist and is not alive in Ray."""
    return f"max by (node, node_ip) (castray_bridge_node_present{{{matchers}}}) == 0"


def unreachable(matchers: str) -> str:
    """Return 0 for each node whose monitor does not answer the bridge."""
    return f"max by (node, node_ip) (castray_bridge_node_reachable{{{matchers}}}) == 0"


def silent(matchers: str) -> str:
    """Return why a light is grey: 1 not alive in Ray, 2 no answer to the bridge, 3 no answer to Prometheus."""
    not_scraped = f'max by (node, node_ip) (up{{job="cmzsb-monitor", {matchers}}}) == 0'
    return f"(1 + ({lost(matchers)})\nor on (node) 2 + ({unreachable(matchers)})\nor on (node) 3 + ({not_scraped}))"


NO_NODE_KNOWN: Final = 9
"""In place of a reason: not that all nodes answer, but that no node is known at all."""
SILENT: Final = or_unknown(here(now_in_order(lambda digits: silent(EVERY + digits))), NO_NODE_KNOWN)

# Alerts
_ALERTS: Final = 'alertname=~"Cmzsb.*|CastRay.*"'
"""All but the Watchdog, which always fires."""
_ALERTS_CHOSEN: Final = f'{_ALERTS}, node=~"$node|"'
"""Alerts of the chosen nodes, and alerts that are about no node."""
NO_NODE_ALERT: Final = "NoNodeKnown"
"""The name of the row that stands for no node known at all; Prometheus has no such alert."""
ANNOTATIONS_SECONDS: Final = 6 * 3600
ALERT_ANNOTATIONS: Final = beginnings(_ALERTS_CHOSEN, ANNOTATIONS_SECONDS)
"""The moments at which an alert begins to fire."""
ALL_ALERT_ANNOTATIONS: Final = beginnings(_ALERTS, ANNOTATIONS_SECONDS)
"""The same for a dashboard without a choice of nodes."""


def _firing(alerts: str) -> str:
    since = f"1000 * max by (alertname, node, severity) (ALERTS_FOR_STATE{{{alerts}}})"
    firing = f'max by (alertname, node, severity) (ALERTS{{alertstate="firing", {alerts}}})'
    return f"{since}\nand {firing}"


def _with_filter(alerts: str) -> str:
    """Return `alerts` with the label `filter`: what follows `{alertname="` in Alertmanager's filter for each."""
    with_node = f'label_replace({alerts}, "and_node", "\\",node=\\"$1", "node", "(.+)")'
    joined = f'label_join({with_node}, "filter", "", "alertname", "and_node")'
    # An empty label is none: else the table would have a column of it.
    return f'label_replace({joined}, "and_node", "", "", "")'


def _no_node_alert(known: str) -> str:
    row = f"1000 * time() * absent({known})"
    for label, value in (("alertname", NO_NODE_ALERT), ("severity", "critical"), ("filter", NO_NODE_ALERT)):
        row = f'label_replace({row}, "{label}", "{value}", "", "")'
    return row


def _listed(alerts: str, known: str) -> str:
    return f"{_with_filter(alerts)}\nor on () {_no_node_alert(known)}"


FIRING: Final = _listed(here(_firing(_ALERTS_CHOSEN)), code(""))
"""Firing alerts: the time, in milliseconds since 1970, from which on the condition of each has held."""
ALL_FIRING: Final = _listed(here(_firing(_ALERTS)), code(""))
"""The same for a dashboard without a choice of nodes."""
NODE_FIRING: Final = _listed(_firing(f"{_ALERTS}, {ONE}"), code(ONE))
"""The same of one node."""
