"""The types of panels: settings in which Grafana's or grafanalib's defaults are wrong."""

from __future__ import annotations

from grafana import panel_types, thresholds
from grafana.panels import PanelText, Query
from grafana.state_fields import ORDER
from grafana.texts import NO_ANSWER, NO_NODE
from grafana.thresholds import GREY

TEXT = PanelText("Age", "How old is it?", "s")
LINK = {"title": "Show", "url": "/d/x"}


def test_lights_of_many_nodes_show_names_and_lead_to_their_node() -> None:
    panel = panel_types.lights(TEXT, Query("up"), LINK)
    assert panel.options["textMode"] == "value_and_name"
    assert panel.defaults["links"] == [LINK]
    assert panel.defaults["noValue"] == NO_NODE
    assert panel.instant


def test_names_that_carry_their_symbol_fill_the_light() -> None:
    panel = panel_types.lights(TEXT, Query("up"), LINK, names_only=True)
    assert panel.options["textMode"] == "name"
    assert "text" not in panel.options


def test_light_of_one_node_shows_its_state_alone() -> None:
    panel = panel_types.lights(TEXT, Query("up"))
    assert panel.options["textMode"] == "value"
    assert "links" not in panel.defaults
    assert panel.defaults["noValue"] == NO_ANSWER


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


def test_counts_of_states_are_of_now_and_say_when_no_node_is_known() -> None:
    panel = panel_types.states_count(TEXT, lambda state: f"count_{state}")
    assert panel.instant
    assert panel.options["graphMode"] == "none", "a graph would show the last value of a dead source"
    assert panel.defaults["noValue"] == NO_NODE
    assert [query.expr for query in panel.queries] == [f"count_{state.name}" for state in ORDER]


def test_timeline_has_at_most_a_step_per_scrape_of_an_hour_and_knows_shares_too() -> None:
    panel = panel_types.timeline(TEXT, Query("up"), interval="$interval")
    assert (panel.max_data_points, panel.interval) == (720, "$interval")
    assert {mapping["type"] for mapping in panel.defaults["mappings"]} == {"value", "range"}


def test_heatmap_takes_buckets_as_they_come_and_counts_in_plain_numbers() -> None:
    panel = panel_types.heatmap(TEXT, Query("up", "{{le}}"), "1m")
    assert panel.options["calculate"] is False
    assert panel.options["yAxis"]["unit"] == "s"
    assert (panel.format, panel.defaults["unit"]) == ("heatmap", "short")


def test_piechart_counts_once_at_the_end_of_the_range_and_leaves_out_no_answer() -> None:
    panel = panel_types.piechart(TEXT, lambda state: f"seconds_{state}")
    assert panel.instant
    assert [query.legend for query in panel.queries] == [state.name for state in ORDER[:-1]]
    # On a screen of 1280 px a second figure would be cut; the shares are on the pie.
    assert panel.options["legend"]["values"] == ["value"]
    assert panel.options["displayLabels"] == ["percent"]
