"""Colours by the limits of the alerts."""

from __future__ import annotations

from grafana import thresholds
from grafana.thresholds import GREEN, GREEN_SHADE, GREY, GREY_SHADE, ORANGE_SHADE, RED_SHADE


def test_below_the_first_step_and_without_data_the_colour_is_grey() -> None:
    assert thresholds.steps((GREEN, 0)) == [{"color": GREY, "value": None}, {"color": GREEN, "value": 0}]


def test_share_of_a_limit_is_orange_from_half_and_red_from_all_of_it() -> None:
    options = thresholds.of_shares()
    assert options["thresholds"]["mode"] == "absolute"
    assert [(step["color"], step["value"]) for step in options["thresholds"]["steps"]] == [
        (GREY_SHADE, None),
        (GREEN_SHADE, 0),
        (ORANGE_SHADE, 0.5),
        (RED_SHADE, 1),
    ]


def test_scale_of_a_figure_ends_at_its_limit() -> None:
    assert thresholds.of_a_scale()["thresholds"]["mode"] == "percentage"
    options = thresholds.scale("Last report", "B")["options"]
    assert options["configRefId"] == "B"
    assert options["applyTo"] == {"id": "byName", "options": "Last report"}
    assert options["mappings"][0]["fieldName"] == thresholds.LEGEND
