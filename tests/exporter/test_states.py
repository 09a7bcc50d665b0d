"""The states table: what everything else relies on."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from itertools import combinations

import pytest

from exporter.states import BY_NAME, REPORTABLE, STATES, UNKNOWN, State


def test_names_and_codes_are_unique() -> None:
    assert len({state.name for state in STATES}) == len(STATES)
    assert len({state.code for state in STATES}) == len(STATES)
    assert set(BY_NAME) == {state.name for state in STATES}


def test_no_answer_is_code_zero_and_cannot_be_reported() -> None:
    assert UNKNOWN.code == 0
    assert UNKNOWN not in REPORTABLE


def test_names_serve_as_label_values_and_css_names_and_colours_are_hex() -> None:
    for state in STATES:
        assert re.fullmatch(r"[a-z]+", state.name)
        assert re.fullmatch(r"#[0-9a-f]{6}", state.colour)
        assert re.fullmatch(r"#[0-9a-f]{6}", state.shade)


def test_every_state_has_its_text_in_both_languages_and_a_short_one() -> None:
    assert all(state.en and state.zh for state in STATES)
    assert all(0 < len(state.en_short) <= 9 for state in STATES)
    # One long text makes those of all lights of a dashboard small.
    assert all(0 < len(state.zh_short) <= 3 for state in STATES)


def test_every_state_has_a_symbol_of_its_own() -> None:
    assert len({state.symbol for state in STATES}) == len(STATES)
    assert all(len(state.symbol) == 1 for state in STATES)


_DEUTERANOPIA = (
    (0.367322, 0.860646, -0.227968),
    (0.280085, 0.672501, 0.047413),
    (-0.011820, 0.042940, 0.968881),
)
"""What remains of linear red, green and blue without the receptors for green (Machado and others, 2009)."""


def linear(colour: str) -> list[float]:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def weighted(weights: Sequence[float], parts: list[float]) -> float:
    return sum(map(operator.mul, weights, parts))


def luminance(parts: list[float]) -> float:
    return weighted((0.2126, 0.7152, 0.0722), parts)


def lightness(parts: list[float]) -> float:
    """Return CIE L*, 0 to 100."""
    return float(116 * luminance(parts) ** (1 / 3) - 16)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_white_text_on_a_shade_has_enough_contrast(state: State) -> None:
    assert 1.05 / (luminance(linear(state.shade)) + 0.05) >= 4.5


@pytest.mark.parametrize(("one", "other"), list(combinations(STATES, 2)), ids=lambda state: state.name)
def test_shades_differ_in_lightness_also_without_red_and_green(one: State, other: State) -> None:
    def seen(state: State) -> list[float]:
        return [max(0.0, weighted(row, linear(state.shade))) for row in _DEUTERANOPIA]

    assert abs(lightness(linear(one.shade)) - lightness(linear(other.shade))) >= 7
    assert abs(lightness(seen(one)) - lightness(seen(other))) >= 7
