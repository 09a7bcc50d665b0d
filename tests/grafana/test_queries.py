"""All PromQL of the dashboards by name. What Prometheus answers is in test_live.py, the lint in tests/prometheus."""

from __future__ import annotations

from types import ModuleType

import promql_parser
import pytest

from exporter.states import REPORTABLE, STATES
from grafana import fleet_queries, health_queries, node_queries, queries

_VARIABLES = {
    "$__rate_interval": "1m",
    "$__interval_ms": "5000",
    "$__interval": "5s",
    "$__range_s": "3600",
    "$__range": "1h",
    "$node_ip": "127.0.0.1",
    "$node": "M1",
    "$location": ".*",
}
MODULES = (queries, fleet_queries, node_queries, health_queries)


def named(module: ModuleType) -> dict[str, str]:
    return {
        name: value
        for name, value in vars(module).items()
        if name.isupper()
        and not name.startswith("_")
        and isinstance(value, str)
        and any(sign in value for sign in "({")
    }


EACH = [
    pytest.param(text, id=f"{module.__name__}.{name}") for module in MODULES for name, text in named(module).items()
]


@pytest.mark.parametrize("text", EACH)
def test_query_parses(text: str) -> None:
    if text.startswith("label_values("):
        text = text.removeprefix("label_values(").rpartition(", ")[0]
    for variable, value in _VARIABLES.items():
        text = text.replace(variable, value)
    promql_parser.parse(text)


@pytest.mark.parametrize("name", named(node_queries))
def test_query_of_one_node_reads_the_chosen_node_and_no_other(name: str) -> None:
    text = named(node_queries)[name]
    assert 'node="$node"' in text or 'ip="$node_ip"' in text
    assert 'node=~"$node"' not in text


@pytest.mark.parametrize("name", named(fleet_queries))
def test_query_of_the_fleet_leaves_other_locations_out(name: str) -> None:
    assert 'location!~"$location"' in named(fleet_queries)[name]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_count_of_a_state_counts_its_code(state: object) -> None:
    assert queries.state_count(state.name).endswith(f"== bool {state.code})")  # type: ignore[attr-defined]


@pytest.mark.parametrize("state", REPORTABLE, ids=lambda state: state.name)
def test_seconds_of_the_node_are_those_of_one_state(state: object) -> None:
    for text in (node_queries.state_seconds(state.name), node_queries.state_share(state.name)):  # type: ignore[attr-defined]
        assert f'state="{state.name}"' in text  # type: ignore[attr-defined]
