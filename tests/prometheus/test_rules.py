"""What promtool says about configuration and rules, and what every alert must carry."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testkit.binaries import require
from tests.prometheus.promql import ROOT, RULES, alerts

FILES = ROOT / "prometheus"
TESTS = sorted((FILES / "tests").glob("*.yml"))
ALERTS = alerts()
ALWAYS_FIRING = "Watchdog"
PROMTOOLS = ["promtool", *filter(None, [os.environ.get("PROMTOOL_3")])]
"""Debian's, and one of Prometheus 3 where there is one; both must say the same."""


@pytest.fixture(params=PROMTOOLS, ids=lambda program: Path(program).name)
def program(request: pytest.FixtureRequest) -> str:
    return require(request.param)


def run(program: str, *arguments: object) -> str:
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, cwd=FILES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def checks(alert: str) -> Iterator[list[tuple[float, bool]]]:
    """Yield, per promtool test about `alert`, at which minutes it is expected to fire or not."""
    for path in TESTS:
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]:
            about = [
                (minutes(check["eval_time"]), bool(check["exp_samples"]))
                for check in test.get("promql_expr_test", [])
                if f'alertname="{alert}"' in check["expr"]
            ]
            if about:
                yield sorted(about)


def minutes(duration: str) -> float:
    units = {"h": 60, "m": 1, "s": 1 / 60}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([hms])", duration))


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.static.yml", "prometheus.federation.yml"])
def test_configuration_loads(program: str, name: str) -> None:
    assert "SUCCESS" in run(program, "check", "config", name)


def test_rules_load(program: str) -> None:
    assert run(program, "check", "rules", *RULES).count("SUCCESS") == len(RULES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_rules_behave_as_their_tests_say(program: str, path: Any) -> None:
    assert "SUCCESS" in run(program, "test", "rules", path)


@pytest.mark.parametrize("name", [name for name in ALERTS if name != ALWAYS_FIRING])
def test_alert_is_tested_quiet_then_firing_then_recovered(name: str) -> None:
    def whole_course(course: list[tuple[float, bool]]) -> bool:
        return re.search("01+0", "".join("01"[fires] for _, fires in course)) is not None

    assert any(whole_course(course) for course in checks(name))


@pytest.mark.parametrize("name", ALERTS)
def test_alert_tells_the_operator_what_where_and_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    notes = alert["annotations"]
    assert alert["labels"]["severity"] in ({"none"} if name == ALWAYS_FIRING else {"info", "warning", "critical"})
    assert notes.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert notes["runbook_url"].endswith(f"#{name.lower()}")
    english, chinese = notes["description"].strip().splitlines()
    assert english.isascii()
    for text in (chinese, notes["summary"]):
        assert any("\u4e00" <= character <= "\u9fff" for character in text)
    if alert["labels"]["scope"] == "node":
        assert all("$labels.node" in text for text in (english, chinese))
        # So that a message about several nodes can name them once, beside what they share.
        assert re.fullmatch(r"\{\{ \$labels\.node \}\}: [^{]+ / [^{]+", notes["summary"])


@pytest.mark.parametrize("name", ALERTS)
def test_alert_leads_to_a_dashboard_that_there_is_and_to_its_node(name: str) -> None:
    url, _, parameter = ALERTS[name]["annotations"]["dashboard_url"].partition("?")
    root, uid = url.rsplit("/d/", 1)
    assert root == "{{ $externalLabels.grafana_url }}"
    assert uid in {
        json.loads(path.read_text("utf-8"))["uid"] for path in (ROOT / "grafana/dashboards").glob("*/*.json")
    }
    if ALERTS[name]["labels"]["scope"] == "node" and uid != "cmzsb-health-zh":
        assert (uid, parameter) == ("cmzsb-node-zh", "var-node={{ $labels.node }}")
    else:
        assert parameter == ""


@pytest.mark.parametrize("name", ALERTS)
def test_alert_names_the_limits_that_it_compares_with(name: str) -> None:
    limits = set(re.findall(r"cmzsb:\w+:threshold", ALERTS[name]["expr"]))
    named = set(re.findall(r"cmzsb:\w+:threshold", ALERTS[name]["annotations"]["description"]))
    # What a share needs to count at all is no limit that was passed.
    conditions = {f"cmzsb:{what}:threshold" for what in ("ratio_inputs", "send_ratio_least", "sending_storm_nodes")}
    assert limits - conditions == named


def test_alert_that_always_fires_is_tested_from_the_first_moment_on() -> None:
    (course,) = checks(ALWAYS_FIRING)
    assert [fires for _, fires in course] == [True, True]


def test_every_threshold_is_used() -> None:
    thresholds = set(re.findall(r"record: (cmzsb:\w+:threshold)", (FILES / "rules/thresholds.yml").read_text("utf-8")))
    used = {limit for limit in thresholds for alert in ALERTS.values() if limit in alert["expr"]}
    assert used == thresholds


def test_series_that_read_a_quarter_of_an_hour_are_recorded_once_a_minute() -> None:
    groups = yaml.safe_load((FILES / "rules/recording.yml").read_text("utf-8"))["groups"]
    intervals = {group.get("interval", "") for group in groups for rule in group["rules"] if "[15m]" in rule["expr"]}
    assert intervals == {"1m"}
