"""docs/metrics.md against live scrapes and rules, docs/runbooks.md against the alerts."""

from __future__ import annotations

import re

import pytest

from tests.prometheus.promql import ROOT, alerts, rules
from tests.prometheus.series import exposed

METRICS = (ROOT / "docs/metrics.md").read_text("utf-8")
RUNBOOKS = (ROOT / "docs/runbooks.md").read_text("utf-8")
SECTIONS = {"cmzsb-monitor": "Node monitor", "castray-bridge": "CastRay bridge", "cmzsb-notify": "cmzsb-notify"}
EVERY = "All services"
ALERTS = alerts()


def section(text: str, heading: str) -> str:
    """Return the part of a document under `## heading`."""
    return text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def table(text: str) -> list[list[str]]:
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def code(cell: str) -> frozenset[str]:
    return frozenset(re.findall(r"`([^`]+)`", cell))


@pytest.mark.parametrize("job", SECTIONS)
def test_metrics_are_listed_with_their_types_and_labels(job: str) -> None:
    rows = table(section(METRICS, SECTIONS[job])) + table(section(METRICS, EVERY))
    listed = {(min(code(name)), kind, code(labels)) for name, kind, labels, *_ in rows}
    assert listed == {(metric.name, metric.kind, metric.labels) for metric in exposed()[job]}


def test_every_metric_has_a_unit_and_a_meaning() -> None:
    for heading in (*SECTIONS.values(), EVERY):
        for row in table(section(METRICS, heading)):
            assert len(row) == 5
            assert all(row[3:])


def test_results_of_probes_are_all_listed() -> None:
    row = next(row for row in table(METRICS) if "castray_bridge_probes_total" in row[0])
    samples = next(metric for metric in exposed()["castray-bridge"] if metric.name == "castray_bridge_probes_total")
    named = {name for name in code(row[4]) if not name.startswith("--")}
    assert named == samples.values["result"]


def test_recorded_series_are_listed() -> None:
    recorded = {rule["record"] for _, rule in rules() if "record" in rule}
    thresholds = {name for name in recorded if name.endswith(":threshold")}
    assert {min(code(row[0])) for row in table(section(METRICS, "Recorded series"))} == recorded - thresholds
    assert {min(code(row[0])) for row in table(section(METRICS, "Limits"))} == thresholds


def test_limits_are_listed_with_their_values() -> None:
    listed = {min(code(row[0])): f"vector({row[1]})" for row in table(section(METRICS, "Limits"))}
    assert listed == {
        rule["record"]: rule["expr"] for _, rule in rules() if rule.get("record", "").endswith(":threshold")
    }


def test_every_alert_has_a_runbook_and_no_other() -> None:
    assert sorted(re.findall(r"^## (\w+)$", RUNBOOKS, re.MULTILINE)) == sorted(ALERTS)


def test_links_to_a_runbook_work_in_the_alerts_own_spelling_too() -> None:
    anchors = re.findall(r'^<a id="(\w+)"></a>\n\n## (\w+)$', RUNBOOKS, re.MULTILINE)
    assert {anchor for anchor, heading in anchors if anchor == heading} == set(ALERTS)


@pytest.mark.parametrize("alert", ALERTS)
def test_runbook_says_in_both_languages_what_it_means_how_to_check_and_what_to_do(alert: str) -> None:
    runbook = section(RUNBOOKS, alert)
    for part in ("Means", "Check", "Do", "含义", "检查", "处理"):
        assert re.search(rf"^- \*\*{part}\*\*.{{20,}}", runbook, re.MULTILINE), part


@pytest.mark.parametrize("alert", ALERTS)
def test_runbook_gives_the_severity_and_names_the_limit(alert: str) -> None:
    runbook = section(RUNBOOKS, alert)
    assert runbook.strip().startswith(f"`{ALERTS[alert]['labels']['severity']}`")
    named = set(re.findall(r"`(cmzsb:\w+:threshold)`", runbook))
    assert named == set(re.findall(r"cmzsb:\w+:threshold", ALERTS[alert]["expr"]))


def test_documents_name_only_series_that_exist() -> None:
    known = {metric.name for metrics in exposed().values() for metric in metrics}
    known |= {rule["record"] for _, rule in rules() if "record" in rule} | {"up"}
    pattern = r"\b(?:(?:node|fleet|cmzsb):\w+:\w+|(?:cmzsb|castray_bridge)_\w+)"
    assert set(re.findall(pattern, METRICS + RUNBOOKS)) - known <= {"castray_bridge_token"}
