"""All PromQL of the dashboards by name. What Prometheus answers is in test_live.py, the lint in tests/prometheus."""

from __future__ import annotations

import promql_parser
import pytest

from exporter.states import STATES
from grafana import queries

_VARIABLES = {"$__rate_interval": "1m", "$__interval": "5s", "$__range": "1h", "$node_ip": "127.0.0.1", "$node": "M1"}
_VARIABLE_QUERIES = {"NODES", "NODE_IP"}
NAMED = {
    name: value
    for name, value in vars(queries).items()
    if name.isupper() and not name.startswith("_") and isinstance(value, str) and name not in _VARIABLE_QUERIES
}


@pytest.mark.parametrize("name", NAMED)
def test_query_parses(name: str) -> None:
    text = NAMED[name]
    for variable, value in _VARIABLES.items():
        text = text.replace(variable, value)
    promql_parser.parse(text)


@pytest.mark.parametrize("name", NAMED)
def test_query_of_one_node_reads_the_chosen_node(name: str) -> None:
    if name.startswith("NODE_"):
        assert 'node="$node"' in NAMED[name] or 'ip="$node_ip"' in NAMED[name]


@pytest.mark.parametrize("state", STATES)
def test_count_of_a_state_is_zero_without_any_node(state: object) -> None:
    assert queries.state_count(state.name).endswith("or on () vector(0))")  # type: ignore[attr-defined]


def test_quantile_of_the_node_has_no_value_without_inferences() -> None:
    assert queries.node_inference_quantile(0.5).startswith("histogram_quantile(0.5, ")
    assert queries.node_inference_quantile(0.5).endswith("> 0")
