"""Texts in two languages, chosen when rendering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest

from exporter.states import STATES
from grafana.texts import Text, choose, of_state, per_language

FLEET = Text("Fleet", "节点总览")


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True)
class Holder:
    inner: Any


@pytest.mark.parametrize(
    ("value", "chosen"),
    [
        (FLEET, "节点总览"),
        ({"a": FLEET, "b": 1}, {"a": "节点总览", "b": 1}),
        ([FLEET, "x"], ["节点总览", "x"]),
        ((FLEET, None), ("节点总览", None)),
        (Pair(FLEET, [FLEET]), Pair("节点总览", ["节点总览"])),
        (Holder({"a": FLEET}), Holder({"a": "节点总览"})),
        ("x", "x"),
    ],
)
def test_every_text_within_a_value_is_chosen(value: Any, chosen: Any) -> None:
    assert choose(value, "zh") == chosen
    assert type(choose(value, "zh")) is type(chosen)


def test_the_value_itself_stays_as_it_was() -> None:
    value = {"a": [FLEET]}
    choose(value, "en")
    assert value == {"a": [FLEET]}


def test_an_address_differs_by_language() -> None:
    assert per_language("/d/cmzsb-node-{lang}?var-node=${x}") == Text(
        "/d/cmzsb-node-en?var-node=${x}", "/d/cmzsb-node-zh?var-node=${x}"
    )


@pytest.mark.parametrize("state", STATES)
def test_texts_of_states_are_those_of_the_table(state: Any) -> None:
    assert of_state(state) == Text(state.en, state.zh)
