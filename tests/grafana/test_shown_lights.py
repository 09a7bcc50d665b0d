"""Lights, states and their colours in the dashboards as files."""

from __future__ import annotations

import re

import pytest

from exporter.states import BY_NAME, REPORTABLE, STATES, UNKNOWN, State
from grafana.texts import LANGUAGES
from tests.grafana.files import EACH, Json, in_both, load, panels, url_of_node
from tests.grafana.shown import properties


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["fleet", "wall"])
def test_lights_are_one_panel_and_lead_to_their_nodes(lang: str, name: str) -> None:
    (panel,) = (panel for panel in load(lang, name)["panels"] if panel["options"].get("justifyMode") == "center")
    assert "repeat" not in panel
    assert panel["targets"][0]["instant"]
    assert panel["options"]["colorMode"] == "background"
    (link,) = panel["fieldConfig"]["defaults"]["links"]
    assert link["url"] == url_of_node(lang, "${__field.labels.node}")


@pytest.mark.parametrize(("width", "menu"), [(1920, 300), (1700, 0)])
def test_no_name_or_state_of_200_lights_is_cut_or_too_small_to_read(width: int, menu: int) -> None:
    panel = panels("en", "fleet")["Traffic lights"]
    texts = [row["text"] for row in panel["fieldConfig"]["defaults"]["mappings"][0]["options"].values()]
    columns, padding = 20, 16
    light = (width - menu - 32) / columns - padding - 4
    of_a_letter = 0.6
    assert len("M200") * of_a_letter * panel["options"]["text"]["titleSize"] <= light
    assert light / (max(map(len, texts)) * of_a_letter) >= 9


def test_names_on_the_wall_are_as_large_as_their_lights_and_bear_the_symbol() -> None:
    panel = panels("en", "wall")["Traffic lights"]
    assert panel["options"]["textMode"] == "name"
    assert "text" not in panel["options"]
    assert panel["targets"][0]["legendFormat"] == "{{symbol}} {{node}}"


def test_wall_fits_on_a_display_of_1080_px() -> None:
    lowest = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in load("en", "wall")["panels"])
    unit, gap, controls = 30, 8, 80
    assert lowest * (unit + gap) + controls <= 1080


STATE_PANELS = {
    ("fleet", "Traffic lights"), ("fleet", "States over time"), ("wall", "Traffic lights"), ("node", "Now"),
    ("node", "States"),
}  # fmt: skip
STATE_SERIES = {
    ("fleet", "Nodes per state"), ("wall", "Nodes per state"), ("node", "Time per state"),
    ("node", "Share of time per state"),
}  # fmt: skip


def text_of(state: State, lang: str) -> str:
    return f"{state.symbol} {state.en_short if lang == 'en' else state.zh_short}"


@pytest.mark.parametrize(("name", "title"), sorted(STATE_PANELS))
def test_every_code_has_symbol_text_and_shade_of_the_states_table(name: str, title: str) -> None:
    for lang, panel in in_both(name, title):
        options = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
        found = {code: (row["text"], row["color"]) for code, row in options.items()}
        assert {str(state.code): (text_of(state, lang), state.shade) for state in STATES}.items() <= found.items()
        assert found.keys() - {str(state.code) for state in STATES} == {"1.5"}


@pytest.mark.parametrize(("name", "title"), sorted(STATE_SERIES))
def test_every_series_of_a_state_has_its_symbol_text_and_shade(name: str, title: str) -> None:
    for lang, panel in in_both(name, title):
        for state in STATES:
            assert properties(panel, state.name) == {
                "displayName": text_of(state, lang),
                "color": {"mode": "fixed", "fixedColor": state.shade},
            }


def test_states_are_in_one_order_everywhere() -> None:
    wanted = [state.name for state in (*REPORTABLE, UNKNOWN)]
    for name, title in STATE_SERIES:
        shown = [target["legendFormat"] for target in panels("en", name)[title]["targets"]]
        assert shown == wanted[: len(shown)], title
        assert len(shown) >= len(REPORTABLE)
    for name, title in STATE_PANELS:
        options = panels("en", name)[title]["fieldConfig"]["defaults"]["mappings"][0]["options"]
        ordered = sorted(options.items(), key=lambda row: row[1]["index"])
        assert [code for code, _ in ordered][: len(STATES)] == [str(BY_NAME[state].code) for state in wanted]


def contrast_with_white(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05)


def backgrounds(panel: Json) -> set[str]:
    """Return the colours on which the panel writes in white."""
    own = [row for row in panel["fieldConfig"]["overrides"] if "color-background" in str(row)]
    if panel["options"].get("colorMode") == "background":
        own = [*panel["fieldConfig"]["overrides"], panel["fieldConfig"]["defaults"]["mappings"]]
    return set(re.findall(r"#[0-9a-f]{6}", str(own)))


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_white_text_has_enough_contrast(lang: str, name: str) -> None:
    found = set().union(*(backgrounds(panel) for panel in load(lang, name)["panels"]))
    assert found or name == "health"
    assert {colour for colour in found if contrast_with_white(colour) < 4.5} == set()
