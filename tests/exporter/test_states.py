"""The states table: what everything else relies on."""

from __future__ import annotations

import re

from exporter.states import BY_NAME, REPORTABLE, STATES, UNKNOWN


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


def test_every_state_has_its_text_in_both_languages() -> None:
    assert all(state.en and state.zh for state in STATES)
