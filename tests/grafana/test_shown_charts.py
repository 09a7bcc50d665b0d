"""Charts and figures in the dashboards as files: units, limits, colours, axes."""

from __future__ import annotations

import pytest
import yaml

from castray_bridge.__main__ import command as bridge
from castray_bridge.probes.failures import FAILURES
from grafana import health_queries
from grafana.render import DASHBOARDS
from grafana.thresholds import GREEN, GREY, ORANGE, RED
from servicekit.cli import options
from tests.grafana.files import ROOT, Json, every_panel, in_both, panels
from tests.grafana.shown import properties
from tests.prometheus.promql import alerts

WITH_LIMIT = [
    ("fleet", "Sends per minute", "limit"),
    ("fleet", "Low-confidence share", "limit"),
    ("node", "Sends per minute", "limit"),
    ("node", "Low-confidence share", "limit"),
    ("node", "Inference time", "limit of p95"),
    ("health", "Duration of probes (p95)", "timeout"),
    ("health", "Slowest scrape per job", "timeout"),
]
"""Charts that draw the limit of an alert, or a timeout."""
UNITS = {
    ("fleet", "Low-confidence share"): "percentunit",
    ("fleet", "Sends per minute"): "short",
    ("node", "In this state for"): "s",
    ("node", "Last report"): "s",
    ("node", "Time per state"): "s",
    ("node", "Share of time per state"): "percentunit",
    ("node", "Sends per minute"): "short",
    ("node", "Inputs per minute"): "short",
    ("node", "Inference time"): "s",
    ("node", "Inference times in detail"): "short",
    ("node", "Low-confidence share"): "percentunit",
    ("node", "Load of the board"): "percent",
    ("node", "Temperature of the board"): "celsius",
    ("health", "Age of the bridge's data"): "s",
    ("health", "Nodes without reports"): "short",
    ("health", "Open web dashboards"): "short",
    ("health", "Failed probes of the bridge by reason"): "ops",
    ("health", "Duration of probes (p95)"): "s",
    ("health", "Slowest scrape per job"): "s",
    ("health", "Targets down per job"): "short",
    ("health", "Reports per second"): "ops",
    ("health", "Journal errors"): "short",
}
"""All others show texts, or plain numbers."""


@pytest.mark.parametrize("panel", [pytest.param(panel, id=name) for name, panel in every_panel()])
def test_series_are_not_of_the_colour_of_limits(panel: Json) -> None:
    if panel["type"] == "timeseries":
        assert not panel["fieldConfig"]["defaults"]["color"]["mode"].startswith("palette")
        dashed = [row for row in panel["fieldConfig"]["overrides"] if "custom.lineStyle" in str(row)]
        others = [row for row in panel["fieldConfig"]["overrides"] if row not in dashed]
        named = {word for word in ("red", "orange", RED) if word in str(others)}
        assert named == set()


@pytest.mark.parametrize("panel", [pytest.param(panel, id=name) for name, panel in every_panel()])
def test_legends_of_charts_are_below_them(panel: Json) -> None:
    if panel["type"] == "timeseries":
        assert panel["options"]["legend"]["placement"] == "bottom"


@pytest.mark.parametrize(
    ("name", "title"),
    [("node", "In this state for"), ("node", "Last report"), ("health", "Age of the bridge's data")],
)
def test_figure_is_orange_from_half_of_its_limit_and_red_from_the_limit(name: str, title: str) -> None:
    wanted = [(GREY, None), (GREEN, 0), (ORANGE, 50), (RED, 100)]
    thresholds = panels("en", name)[title]["fieldConfig"]["defaults"]["thresholds"]
    assert thresholds["mode"] == "percentage"
    assert [(step["color"], step["value"]) for step in thresholds["steps"]] == wanted


@pytest.mark.parametrize(("name", "title", "legend"), WITH_LIMIT)
def test_limit_is_drawn_as_a_dashed_red_line(name: str, title: str, legend: str) -> None:
    panel = panels("en", name)[title]
    own = properties(panel, legend)
    assert own["custom.lineStyle"]["fill"] == "dash"
    assert own["color"]["fixedColor"] == RED
    assert legend in [target["legendFormat"] for target in panel["targets"]]


def test_limit_of_the_inference_time_is_that_of_its_alert_over_the_same_time() -> None:
    alert = alerts()["CmzsbInferenceSlow"]["expr"]
    queries = {target["legendFormat"]: target["expr"] for target in panels("en", "node")["Inference time"]["targets"]}
    assert queries["limit of p95"] in alert
    assert queries["p95"].partition("{")[0] in alert


def test_limit_of_sends_is_drawn_over_sends_alone() -> None:
    for _, panel in every_panel():
        queries = [target["expr"] for target in panel["targets"]]
        if "cmzsb:sends_per_minute:threshold" in queries:
            assert not any("processed" in query for query in queries)


def test_timeouts_are_those_of_the_configuration() -> None:
    jobs = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    own = {job["scrape_timeout"] for job in jobs if job["job_name"] in ("cmzsb-monitor", "castray-bridge")}
    assert own == {f"{health_queries.SCRAPE_TIMEOUT.removeprefix('vector(').removesuffix(')')}s"}
    (timeout,) = (row.default for row in options(bridge) if row.flag == "--timeout")
    assert f"vector({float(timeout):g})" == health_queries.PROBE_TIMEOUT


def test_counts_that_are_zero_do_not_scale_to_a_hundred() -> None:
    for title in ("Targets down per job", "Journal errors"):
        defaults = panels("en", "health")[title]["fieldConfig"]["defaults"]
        assert defaults["custom"]["axisSoftMax"] == 1
        assert defaults["decimals"] == 0


def test_journal_errors_are_bars_of_whole_numbers() -> None:
    panel = panels("en", "health")["Journal errors"]
    assert panel["fieldConfig"]["defaults"]["custom"]["drawStyle"] == "bars"
    assert panel["targets"][0]["expr"].startswith("round(")


def test_reasons_of_failed_probes_are_told_in_the_words_of_their_table() -> None:
    failures = [row for row in FAILURES if row.is_probe_result]
    for lang, panel in in_both("health", "Failed probes of the bridge by reason"):
        shown = {row.name: properties(panel, row.name)["displayName"] for row in failures}
        assert shown == {row.name: getattr(row, lang) for row in failures}
        assert all(getattr(row, f"advice_{lang}") in panel["description"] for row in failures)
        assert 'result!="ok"' in panel["targets"][0]["expr"]


def test_frequent_reasons_of_failed_probes_have_a_colour_each() -> None:
    panel = panels("en", "health")["Failed probes of the bridge by reason"]
    colours = [properties(panel, name)["color"]["fixedColor"] for name in ("timeout", "refused", "unreachable")]
    assert len(set(colours)) == len(colours)


def test_heatmap_labels_counts_as_counts_and_its_axis_in_seconds() -> None:
    panel = panels("en", "node")["Inference times in detail"]
    assert panel["options"]["cellValues"]["unit"] == "short"
    assert panel["fieldConfig"]["defaults"]["unit"] == "short"
    assert panel["options"]["yAxis"]["unit"] == "s"


@pytest.mark.parametrize("name", DASHBOARDS)
def test_figures_have_their_units(name: str) -> None:
    for title, panel in panels("en", name).items():
        assert panel["fieldConfig"]["defaults"]["unit"] == UNITS.get((name, title), "none"), title


def test_timelines_have_a_step_per_scrape_and_the_fleet_lets_it_be_chosen() -> None:
    fleet, node = panels("en", "fleet")["States over time"], panels("en", "node")["States"]
    assert (fleet["interval"], fleet["maxDataPoints"], node["maxDataPoints"]) == ("$interval", 720, 720)
