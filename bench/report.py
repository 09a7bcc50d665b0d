"""Outputs of a run: the table on screen, the JSON file, and the table and chart of the documentation."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from rich.table import Table

from bench.row import Row

PAGE: Final = Path("docs/benchmarks.md")
FIGURES: Final = Path("docs/figures.json")
_BEGIN, _END = "<!-- figures -->\n", "<!-- end of figures -->\n"
_SIGNS: Final = {"<=": "≤", ">=": "≥", "==": "=", " x ": " × "}
_KEPT: Final = {True: "yes", False: "**no**", None: ""}


def machine() -> str:
    """Return the machine that the figures were measured on, in words."""
    return (
        f"{os.cpu_count()} CPUs, {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}"
    )


def on_screen(rows: Sequence[Row]) -> Table:
    """Return the table for a terminal."""
    table = Table(title="Figures", caption=machine())
    for column in ("what", "value", "target", "kept", "baseline", "ratio"):
        table.add_column(column, justify="right" if column in ("value", "ratio") else "left")
    for row in rows:
        cells = _cells(row)
        table.add_row(*cells, style="red" if row.kept is False else None)
    return table


class Figures(NamedTuple):
    """What one run measured: on which machine, by which of the benches, and the rows."""

    machine: str
    benches: list[str]
    rows: list[Row]

    def digest(self) -> str:
        """Return a digest of these figures; the chart carries it."""
        return hashlib.sha256(as_json(self).encode()).hexdigest()[:16]


def as_json(figures: Figures) -> str:
    """Return the figures as JSON, one object per row with the fields of `Row`."""
    fields = figures._asdict() | {"rows": [row._asdict() for row in figures.rows]}
    return json.dumps(fields, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Figures:
    """Return the figures that `as_json` wrote."""
    fields: dict[str, Any] = json.loads(text)
    return Figures(**fields | {"rows": [Row(**row) for row in fields["rows"]]})


def with_table(page: str, figures: Figures) -> str:
    """Return the text of the documentation's page with the table of the figures in its place."""
    lines = [
        f"Measured on {figures.machine}.\n",
        "| what | measured | target | kept | baseline | ratio |",
        "|---" * 6 + "|",
    ]
    lines += ["| " + " | ".join(_signs(cell) for cell in _cells(row)) + " |" for row in figures.rows]
    before, _, rest = page.partition(_BEGIN)
    return before + _BEGIN + "\n".join(lines) + "\n" + _END + rest.partition(_END)[2]


def _cells(row: Row) -> tuple[str, ...]:
    baseline = "" if row.baseline_value is None else f"{row.baseline_name}: {_number(row.baseline_value)} {row.unit}"
    ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
    return (row.name, f"{_number(row.value)} {row.unit}", row.target, _KEPT[row.kept], baseline, ratio)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 or value == int(value) else f"{value:.3g}"


def _signs(cell: str) -> str:
    for ascii_sign, sign in _SIGNS.items():
        cell = cell.replace(ascii_sign, sign)
    return cell
