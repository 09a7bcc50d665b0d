"""The documentation's chart: how cost grows, ours beside the baseline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import matplotlib as mpl

from bench.row import Row

mpl.use("svg")
from matplotlib import pyplot as plt

FILE: Final = Path("docs/images/figures.svg")


class Curve(NamedTuple):
    """One part of the chart; the rows of `series` are its points."""

    series: str
    title: str
    along: str
    up: str


CURVES: Final = (
    Curve("fan-out", "Asking every node once", "nodes", "ms"),
    Curve("viewers", "GET /api/ray-dashboard, 23 nodes", "connections", "requests/s"),
    Curve("reports", "CPU of a node's monitor", "reports/s", "% of a core"),
    Curve("bridge-cpu", "CPU of the bridge", "nodes", "% of a core"),
)


def draw(rows: Sequence[Row], mark: str, file: Path = FILE) -> None:
    """Draw every curve that `rows` have points of; both axes are logarithmic. `mark` is kept as the description."""
    curves = [curve for curve in CURVES if any(row.series == curve.series for row in rows)]
    # Fixed, so that an unchanged chart is an unchanged file.
    with mpl.rc_context({"svg.hashsalt": "figures", "font.size": 9}):
        figure, axes = plt.subplots(1, len(curves), figsize=(3.6 * len(curves), 3.0), squeeze=False)
        for curve, axis in zip(curves, axes[0], strict=True):
            points = sorted((row for row in rows if row.series == curve.series), key=lambda row: row.at)
            at = [row.at for row in points]
            axis.loglog(at, [row.value for row in points], "o-", color="#2563eb", label="this project")
            held = [(row.at, row.baseline_value) for row in points if row.baseline_value is not None]
            if held:
                axis.loglog(*zip(*held, strict=True), "s--", color="#6b7280", label=points[0].baseline_name)
                axis.legend(fontsize=7)
            axis.set(title=curve.title, xlabel=curve.along, ylabel=curve.up)
            axis.set_xticks(at, [f"{x:g}" for x in at], minor=False)
            axis.minorticks_off()
            axis.grid(alpha=0.3)
        figure.tight_layout()
        figure.savefig(file, format="svg", metadata={"Date": None, "Description": mark})
        plt.close(figure)
