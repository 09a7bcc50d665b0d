"""The form of one measured figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class Row(NamedTuple):
    """One figure: what was measured, in which unit, and what it is held against."""

    name: str
    value: float
    unit: str
    target: str
    """The promise in words a reader can check, e.g. `<= 8`; empty when the row only informs."""
    baseline_name: str = ""
    baseline_value: float | None = None


Benches: TypeAlias = dict[str, Callable[[], list[Row]]]
"""Every module of measurements has one as `BENCHES`: the name for `--only`, and what measures it."""
