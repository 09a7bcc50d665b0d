"""`python -m bench`: measures every figure beside its baseline, in one run."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click
from rich.console import Console

from bench import (
    bridge_change,
    bridge_load,
    bridge_scale,
    changing_fleet,
    fan_out,
    hostile_requests,
    monitor,
    monitor_kills,
    report,
    reporter,
    scale,
    shutdown,
    slow_clients,
    wall_in_browser,
    wsgi_choice,
)
from bench.row import Benches, Row
from servicekit import cli

_MODULES = (
    fan_out,
    bridge_change,
    bridge_load,
    bridge_scale,
    changing_fleet,
    scale,
    reporter,
    monitor,
    monitor_kills,
    slow_clients,
    wall_in_browser,
    hostile_requests,
    shutdown,
    wsgi_choice,
)
BENCHES = {name: measure for module in _MODULES for name, measure in module.BENCHES.items()}
LARGE = changing_fleet.LARGE | scale.LARGE
"""Measured with `--only` alone, because each takes two minutes and the machine for itself."""
_CONSOLE = Console(highlight=False)


@click.command("bench")
@click.option("--only", type=click.Choice(sorted(BENCHES | LARGE)), help="Measure just this.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Also write the figures to this file.")
@click.option("--docs", is_flag=True, help="Measure nothing: make the documentation's table and chart.")
def command(only: str | None, file: Path | None, docs: bool) -> None:
    """Measure the project's figures beside their baselines.

    Exit status 1 when a promise was not kept or something could not be measured.
    """
    if docs:
        _document()
        return
    chosen = {only: (BENCHES | LARGE)[only]} if only else BENCHES
    rows, failed = _measure(chosen)
    _CONSOLE.print(report.on_screen(rows))
    if file is not None:
        measured = [name for name in chosen if name not in failed]
        file.write_text(report.as_json(report.Figures(report.machine(), measured, rows)), "utf-8")
    promised = [row for row in rows if row.kept is not None]
    kept = sum(row.kept is True for row in promised)
    _CONSOLE.print(f"bench: {kept} of {len(promised)} promises kept; not measured: {', '.join(failed) or 'none'}")
    if failed or kept < len(promised):
        sys.exit(1)


def _measure(chosen: Benches) -> tuple[list[Row], list[str]]:
    """Return the figures, and the names of what could not be measured; one failure costs no other figure."""
    rows: list[Row] = []
    failed: list[str] = []
    begun = time.monotonic()
    for number, (name, measure) in enumerate(chosen.items(), start=1):
        _CONSOLE.print(f"bench: {number}/{len(chosen)} {name}, after {time.monotonic() - begun:.0f} s")
        try:
            rows += measure()
        except Exception:  # noqa: BLE001 (whatever it was, it is shown, and the others go on)
            _CONSOLE.print_exception()
            failed.append(name)
    _CONSOLE.print(f"bench: measured in {time.monotonic() - begun:.0f} s")
    return rows, failed


def _document() -> None:
    from bench import chart  # matplotlib takes its time

    figures = report.from_json(report.FIGURES.read_text("utf-8"))
    report.PAGE.write_text(report.with_table(report.PAGE.read_text("utf-8"), figures), "utf-8")
    chart.draw(figures.rows, figures.digest())


if __name__ == "__main__":
    sys.exit(cli.run(command))
