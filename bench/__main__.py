"""`python -m bench`: measures every figure beside its baseline, in one run."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from bench import fan_out, reporter
from bench.row import Row
from servicekit import cli

BENCHES = {**fan_out.BENCHES, **reporter.BENCHES}
_CONSOLE = Console(highlight=False)


@click.command("bench")
@click.option("--only", type=click.Choice(sorted(BENCHES)), help="Measure just this.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the rows to this file.")
def command(only: str | None, file: Path | None) -> None:
    """Measure the project's figures beside their baselines."""
    chosen = {only: BENCHES[only]} if only else BENCHES
    rows: list[Row] = []
    for number, (name, measure) in enumerate(chosen.items(), start=1):
        _CONSOLE.print(f"bench: {number}/{len(chosen)} {name}")
        rows += measure()
    _CONSOLE.print(_table(rows))
    if file is not None:
        file.write_text(json.dumps([row._asdict() for row in rows], indent=2, ensure_ascii=False) + "\n", "utf-8")


def _table(rows: list[Row]) -> Table:
    machine = (
        f"{os.cpu_count()} CPUs, {platform.machine()}, Linux {platform.release()}, Python {platform.python_version()}"
    )
    table = Table(title="Figures", caption=machine)
    for column in ("what", "value", "target", "baseline", "ratio"):
        table.add_column(column, justify="left" if column in ("what", "target", "baseline") else "right")
    for row in rows:
        known = row.baseline_value is not None
        baseline = f"{row.baseline_name}: {row.baseline_value:.1f} {row.unit}" if known else ""
        ratio = f"{row.value / row.baseline_value:.3f}" if row.baseline_value else ""
        table.add_row(row.name, f"{row.value:.1f} {row.unit}", row.target, baseline, ratio)
    return table


if __name__ == "__main__":
    sys.exit(cli.run(command))
