"""Values for every state of the table, of which a test names those that it is about."""

from __future__ import annotations

from typing import TypeVar

from exporter.states import REPORTABLE, STATES

_Value = TypeVar("_Value", int, float)


def per_state(zero: _Value = 0, /, **named: _Value) -> dict[str, _Value]:
    """Return a value for each state that a script can report: those `named`, else `zero`."""
    assert named.keys() <= {state.name for state in REPORTABLE}, named
    return {state.name: named.get(state.name, zero) for state in REPORTABLE}


def count_per_state(**named: int) -> dict[str, int]:
    """Return a number of nodes for every state, the missing answer included: those `named`, else 0."""
    assert named.keys() <= {state.name for state in STATES}, named
    return {state.name: named.get(state.name, 0) for state in STATES}
