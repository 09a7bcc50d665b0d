"""Lines over time: colours, limits, legends and axes."""

from __future__ import annotations

from typing import Any

from grafana import timeseries
from grafana.panels import PALETTE, Panel, PanelText, Query
from grafana.state_fields import ORDER
from grafana.texts import LIMIT
from grafana.thresholds import RED
from tests.grafana.shown import properties

TEXT = PanelText("Age", "How old is it?", "s")


def own(panel: Panel, name: Any) -> dict[str, Any]:
    found: dict[str, Any] = properties({"fieldConfig": {"overrides": panel.overrides}}, name)
    return found


def test_few_series_have_the_colours_of_the_palette() -> None:
    panel = timeseries.timeseries(TEXT, [Query("up", "a"), Query("up", "b")])
    assert [own(panel, name)["color"]["fixedColor"] for name in "ab"] == list(PALETTE[:2])
    by_label = timeseries.timeseries(TEXT, [Query("up", "{{job}}")], names=["bridge"])
    assert own(by_label, "bridge")["color"]["fixedColor"] == PALETTE[0]


def test_limit_is_a_dashed_red_line_after_the_others() -> None:
    panel = timeseries.timeseries(TEXT, [Query("up", "a")], limit=Query("limit:x:threshold", "limit"))
    assert [query.legend for query in panel.queries] == ["a", "limit"]
    assert own(panel, "limit")["color"]["fixedColor"] == RED
    assert own(panel, "limit")["custom.lineStyle"]["fill"] == "dash"


def test_counts_are_whole_numbers_and_an_axis_of_zeros_ends_at_one() -> None:
    panel = timeseries.counts(TEXT, [Query("up", "a")])
    assert panel.defaults["decimals"] == 0
    assert panel.defaults["custom"]["axisSoftMax"] == 1
    assert "noValue" not in panel.defaults
    assert timeseries.counts(TEXT, [Query("up", "a")], none="None").defaults["noValue"] == "None"


def test_rare_events_are_bars_per_step() -> None:
    panel = timeseries.events(TEXT, Query("up"), none="None", interval="1m")
    assert panel.defaults["custom"]["drawStyle"] == "bars"
    assert (panel.interval, panel.defaults["noValue"]) == ("1m", "None")


def test_shares_of_states_are_stacked_to_the_whole() -> None:
    panel = timeseries.state_shares(TEXT, [Query("up", state.name) for state in ORDER])
    assert panel.defaults["custom"]["stacking"]["mode"] == "normal"
    assert (panel.defaults["max"], panel.interval) == (1, "30s")
    assert own(panel, ORDER[0].name)["color"]["fixedColor"] == ORDER[0].shade


def test_many_nodes_are_drawn_at_the_interval_of_the_rules_with_median_and_limit() -> None:
    panel = timeseries.many(TEXT, "highest", "quantile", "limit:x:threshold", defaults={"max": 1})
    assert [query.expr for query in panel.queries] == ["highest", "quantile", "limit:x:threshold"]
    assert panel.interval == "15s"
    assert panel.defaults["max"] == 1
    assert own(panel, LIMIT)["color"]["fixedColor"] == RED
    assert own(panel, panel.queries[1].legend)["color"]["fixedColor"] != RED


def test_legend_is_a_list_below_the_chart() -> None:
    legend = timeseries.timeseries(TEXT, [Query("up", "a")]).options["legend"]
    assert (legend["placement"], legend["displayMode"]) == ("bottom", "list")
