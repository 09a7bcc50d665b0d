"""What is made of measured figures, and the committed ones."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bench import bridge, chart, report
from bench.__main__ import BENCHES
from bench.monitor import AS_THE_UNIT
from bench.report import Figures
from bench.row import Row
from testkit.paths import ROOT

COMMITTED = report.from_json((ROOT / report.FIGURES).read_text("utf-8"))


@pytest.mark.parametrize(
    ("value", "baseline", "target", "kept"),
    [(5, 10, "<= 8 and <= 0.8 x baseline", True), (7, 8, "<= 8 and <= 0.8 x baseline", False),
     (9, 90, "<= 8 and <= 0.8 x baseline", False), (3, None, ">= 2.5", True), (2, None, ">= 2.5", False),
     (0, None, "== 0", True), (1, None, "== 0", False), (3, 3, ">= 1 x baseline", True), (1, None, "", None)],
)  # fmt: skip
def test_promise_is_checked(value: float, baseline: float | None, target: str, kept: bool | None) -> None:
    assert Row("figure", value, "ms", target, "other", baseline).kept is kept


def test_relative_promise_without_a_baseline_is_not_kept() -> None:
    assert Row("figure", 1, "ms", "<= 1 x baseline").kept is False


def test_what_is_no_promise_is_an_error() -> None:
    with pytest.raises(ValueError, match="quick"):
        _ = Row("figure", 1, "ms", "quick").kept


def test_figures_survive_the_file() -> None:
    rows = [Row("a", 1.5, "ms", "<= 2", "b", 3.0, "fan-out", 23), Row("报告", 1, "", "")]
    figures = Figures("a machine", ["fan-out-23"], rows)
    assert report.from_json(report.as_json(figures)) == figures


def test_table_replaces_the_old_one_and_nothing_else() -> None:
    page = "before\n<!-- figures -->\nold\n<!-- end of figures -->\nafter\n"
    row = Row("fan-out", 5.1, "ms", "<= 8 and <= 0.8 x baseline", "b", 10.2)
    made = report.with_table(page, Figures("a machine", [], [row]))
    assert "| fan-out | 5.1 ms | ≤ 8 and ≤ 0.8 × baseline | yes | b: 10.2 ms | 0.5 |" in made
    assert (made[:7], made[-6:]) == ("before\n", "after\n")
    assert "old" not in made


def test_chart_is_drawn_from_the_rows_and_the_same_each_time(tmp_path: Path) -> None:
    rows = [Row("a", n * 1.0, "ms", "", "b", n * 2.0, "fan-out", n) for n in (10, 100)]
    for name in ("one.svg", "two.svg"):
        chart.draw(rows, "a mark", tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
    assert "a mark" in (tmp_path / "one.svg").read_text("utf-8")


def test_page_shows_the_committed_figures() -> None:
    page = (ROOT / report.PAGE).read_text("utf-8")
    assert report.with_table(page, COMMITTED) == page


def test_page_shows_the_chart_of_the_committed_figures() -> None:
    # By its mark: another version of matplotlib draws the same chart with other bytes.
    assert COMMITTED.digest() in (ROOT / chart.FILE).read_text("utf-8")
    assert chart.FILE.relative_to(report.PAGE.parent).as_posix() in (ROOT / report.PAGE).read_text("utf-8")


def test_everything_that_can_be_measured_was() -> None:
    assert COMMITTED.benches == list(BENCHES)


def test_monitor_is_measured_as_the_unit_runs_it() -> None:
    unit = (ROOT / "systemd/cm-zsb-monitor.service").read_text("utf-8")
    set_there = dict(re.findall(r"^Environment=(\w+)=(.*)$", unit, re.MULTILINE))
    del set_there["PYTHONPYCACHEPREFIX"]  # a folder of the installation; here Python compiles beside the modules
    assert set_there == AS_THE_UNIT


def test_bridge_is_measured_as_the_unit_runs_it() -> None:
    unit = (ROOT / "systemd/castray-bridge.service").read_text("utf-8")
    assert dict(re.findall(r"^Environment=(\w+)=(.*)$", unit, re.MULTILINE)) == bridge.AS_THE_UNIT
    assert f"LimitNOFILE={bridge.UNIT_DESCRIPTORS}\n" in unit


def test_images_set_what_the_units_set() -> None:
    lines = (ROOT / "containers/Containerfile").read_text("utf-8").splitlines()
    for variables in (AS_THE_UNIT, bridge.AS_THE_UNIT):
        assert "ENV " + " ".join(f"{name}={value}" for name, value in variables.items()) in lines
