"""The form of one measured figure."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

_PROMISE: Final = re.compile(r"(<=|>=|==) ([0-9.]+)( x baseline)?")
_COMPARE: Final = {"<=": operator.le, ">=": operator.ge, "==": operator.eq}


class Row(NamedTuple):
    """One figure: what was measured, in which unit, and what it is held against."""

    name: str
    value: float
    unit: str
    target: str
    """The promise, e.g. `<= 8 and <= 0.8 x baseline`; empty when the row only informs."""
    baseline_name: str = ""
    baseline_value: float | None = None
    series: str = ""
    """The curve of the chart that the figure is a point of, e.g. `fan-out`; empty for none."""
    at: float = 0.0
    """Where on that curve, e.g. the number of nodes."""

    @property
    def ratio(self) -> float | None:
        """The value as a multiple of the baseline's; None without a baseline."""
        return self.value / self.baseline_value if self.baseline_value else None

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept; None without a promise. Raises `ValueError` for any other text."""
        if not self.target:
            return None
        return all(self._keeps(part) for part in self.target.split(" and "))

    def _keeps(self, promise: str) -> bool:
        found = _PROMISE.fullmatch(promise)
        if found is None:
            raise ValueError(f"not a promise: {promise!r}")
        sign, limit, relative = found.groups()
        measured = self.ratio if relative else self.value
        return measured is not None and bool(_COMPARE[sign](measured, float(limit)))


Benches: TypeAlias = dict[str, Callable[[], list[Row]]]
"""Every module of measurements has one as `BENCHES`: the name for `--only`, and what measures it."""
