"""Panels as data, and what becomes of them in grafanalib."""

from __future__ import annotations

from typing import Any

from grafanalib import core

from grafana import datasource, panels
from grafana.panels import PALETTE, Panel, PanelText, Query
from grafana.thresholds import GREY, RED

PLACE = core.GridPos(h=4, w=12, x=0, y=0)


def model(**more: Any) -> dict[str, Any]:
    described = {
        "type": "stat",
        "text": PanelText("Last report", "Is it old?", "s"),
        "queries": [Query("up", "one"), Query("1 - up")],
        "defaults": {},
        "options": {"textMode": "value"},
    }
    made: dict[str, Any] = panels.as_grafanalib(Panel(**{**described, **more}), 7, PLACE).to_json_data()
    return made


def test_panel_has_its_number_place_texts_unit_and_type() -> None:
    made = model()
    assert (made["id"], made["gridPos"], made["type"]) == (7, PLACE, "stat")
    assert (made["title"], made["description"]) == ("Last report", "Is it old?")
    assert made["fieldConfig"]["defaults"]["unit"] == "s"


def test_panel_has_the_options_that_it_was_given_and_no_others() -> None:
    assert model()["options"] == {"textMode": "value"}
    assert {"editable", "error"}.isdisjoint(model())


def test_no_data_is_grey_unless_the_panel_says_otherwise() -> None:
    assert model()["fieldConfig"]["defaults"]["thresholds"]["steps"] == [{"color": GREY, "value": None}]
    own = {"mode": "absolute", "steps": []}
    assert model(defaults={"thresholds": own})["fieldConfig"]["defaults"]["thresholds"] == own


def test_queries_are_lettered_and_read_from_the_chosen_data_source() -> None:
    first, second = model()["targets"]
    assert (first["refId"], second["refId"]) == ("A", "B")
    assert (first["legendFormat"], second["legendFormat"]) == ("one", "{{node}}")
    assert first["datasource"] == datasource.REFERENCE


def test_instant_query_has_no_range_and_a_range_query_is_not_instant() -> None:
    for instant in (True, False):
        for target in model(instant=instant)["targets"]:
            assert (target["instant"], target["range"]) == (instant, not instant)


def test_override_turns_double_underscores_into_dots() -> None:
    assert panels.override("byName", "x", custom__width=5)["properties"] == [{"id": "custom.width", "value": 5}]


def test_limit_is_a_dashed_line_of_its_own_colour() -> None:
    own = {row["id"]: row["value"] for row in panels.dashed_line("limit", RED)["properties"]}
    assert own["custom.lineStyle"] == {"fill": "dash", "dash": [8, 8]}
    assert own["color"] == {"mode": "fixed", "fixedColor": RED}


def test_named_series_have_the_colours_of_the_palette_in_order() -> None:
    first, second = panels.named_colours("mean", "p95")
    assert (first["matcher"]["options"], second["matcher"]["options"]) == ("mean", "p95")
    assert [row["properties"][0]["value"]["fixedColor"] for row in (first, second)] == list(PALETTE[:2])


def test_palette_has_no_red_orange_or_green() -> None:
    assert not any(taken in colour for colour in PALETTE for taken in ("red", "orange", "green"))
    assert len(set(PALETTE)) == len(PALETTE)
