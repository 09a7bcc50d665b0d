"""The types of panels: settings in which Grafana's or grafanalib's defaults are wrong."""

from __future__ import annotations

from grafana import panel_types, thresholds
from grafana.panels import Panel, PanelText, Query
from grafana.texts import NO_ANSWER
from grafana.thresholds import GREY, RED
from tests.grafana.shown import properties

TEXT = PanelText("Age", "How old is it?", "s")
LINK = {"title": "Show", "url": "/d/x"}


def own(panel: Panel, name: str) -> dict[str, object]:
    return properties({"fieldConfig": {"overrides": panel.overrides}}, name)


def test_lights_of_many_nodes_show_names_and_lead_to_their_node() -> None:
    panel = panel_types.lights(TEXT, Query("up"), LINK)
    assert panel.options["textMode"] == "value_and_name"
    assert panel.defaults["links"] == [LINK]
    assert panel.instant


def test_light_of_one_node_shows_its_state_alone() -> None:
    panel = panel_types.lights(TEXT, Query("up"))
    assert panel.options["textMode"] == "value"
    assert "links" not in panel.defaults


def test_figure_shows_the_last_value_and_grey_words_without_data() -> None:
    panel = panel_types.stat(TEXT, "up")
    assert panel.options["reduceOptions"]["calcs"] == ["lastNotNull"]
    result = panel.defaults["mappings"][-1]["options"]["result"]
    assert (result["text"], result["color"]) == (NO_ANSWER, GREY)
    assert panel.transformations == []


def test_figure_with_a_limit_has_a_second_query_for_the_end_of_its_scale() -> None:
    panel = panel_types.stat(TEXT, "up", limit="limit:x:threshold")
    assert panel.queries[1] == Query("limit:x:threshold and on () (up)", thresholds.LEGEND)
    assert panel.transformations == [thresholds.scale("Age", "B")]


def test_chart_of_many_has_no_fill_and_its_highest_first() -> None:
    panel = panel_types.timeseries(TEXT, [Query("up")], many=True)
    assert panel.defaults["custom"]["fillOpacity"] == 0
    assert panel.options["legend"]["sortDesc"]


def test_stacked_chart_is_filled() -> None:
    custom = panel_types.timeseries(TEXT, [Query("up")], stacked=True).defaults["custom"]
    assert custom["stacking"]["mode"] == "normal"
    assert custom["fillOpacity"] == 60


def test_limit_in_a_chart_is_a_dashed_red_line() -> None:
    panel = panel_types.timeseries_with_limit(TEXT, [Query("up")], Query("limit:x:threshold", "limit"))
    assert [query.legend for query in panel.queries] == ["{{node}}", "limit"]
    assert own(panel, "limit")["custom.lineStyle"] == {"fill": "dash", "dash": [8, 8]}
    assert own(panel, "limit")["color"] == {"mode": "fixed", "fixedColor": RED}


def test_timeline_has_at_most_a_step_per_scrape_of_an_hour() -> None:
    panel = panel_types.timeline(TEXT, Query("up"), "$interval")
    assert (panel.max_data_points, panel.interval) == (720, "$interval")


def test_heatmap_takes_buckets_as_they_come() -> None:
    panel = panel_types.heatmap(TEXT, Query("up", "{{le}}"), "1m")
    assert panel.options["calculate"] is False
    assert panel.format == "heatmap"


def test_piechart_counts_once_at_the_end_of_the_range() -> None:
    panel = panel_types.piechart(TEXT, Query("up"))
    assert panel.instant
    assert panel.options["reduceOptions"]["calcs"] == ["lastNotNull"]
