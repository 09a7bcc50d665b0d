"""How panels show states and shares of time."""

from __future__ import annotations

from itertools import pairwise

from exporter.states import IDLE, STATES
from grafana import state_fields
from grafana.texts import Text


def test_text_of_a_state_begins_with_its_symbol() -> None:
    for state in STATES:
        wanted = Text(f"{state.symbol} {state.en_short}", f"{state.symbol} {state.zh_short}")
        assert state_fields.value_text(state) == wanted


def test_every_code_has_its_text_and_shade_and_the_order_of_all_panels() -> None:
    (mapping,) = state_fields.mappings()
    for state in STATES:
        row = mapping["options"][str(state.code)]
        assert (row["text"], row["color"]) == (state_fields.value_text(state), state.shade)
        assert row["index"] == state_fields.ORDER.index(state)


def test_light_that_is_idle_without_reports_has_a_question_mark() -> None:
    (mapping,) = state_fields.mappings()
    row = mapping["options"]["1.5"]
    assert row["text"] == Text("● Idle?", "● 空闲？")
    assert row["color"] == IDLE.shade


def test_every_series_of_a_state_has_its_override() -> None:
    assert [row["matcher"]["options"] for row in state_fields.colours()] == [state.name for state in state_fields.ORDER]


def test_shares_cover_everything_from_none_to_all_without_a_gap() -> None:
    ranges = [mapping["options"] for mapping in state_fields.share_mappings()]
    assert ranges[0]["from"] == state_fields.SHARES_FROM
    assert ranges[-1]["to"] == state_fields.SHARES_FROM + 1
    assert all(one["to"] == other["from"] for one, other in pairwise(ranges))


def test_larger_shares_are_lighter() -> None:
    def lightness(colour: str) -> float:
        parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        luminance = sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
        return float(116 * luminance ** (1 / 3) - 16)

    colours = [mapping["options"]["result"]["color"] for mapping in state_fields.share_mappings()]
    assert all(lightness(other) - lightness(one) >= 5 for one, other in pairwise(colours))
