"""What Prometheus' and Alertmanager's own tools say about the files."""

from __future__ import annotations

import subprocess

import pytest

from tests.prometheus.promql import ROOT, rules
from tests.support.binaries import require

FILES = ROOT / "prometheus"
ALERTS = {rule["alert"]: rule for _, rule in rules() if "alert" in rule}


def run(*command: str) -> str:
    done = subprocess.run(command, cwd=FILES, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus.static.yml"])
def test_configuration_loads(name: str) -> None:
    assert "SUCCESS" in run(require("promtool"), "check", "config", name)


def test_rules_behave_as_their_tests_say() -> None:
    files = sorted(path.name for path in (FILES / "tests").glob("*.yml"))
    assert files
    assert "SUCCESS" in run(require("promtool"), "test", "rules", *(f"tests/{name}" for name in files))


def test_every_alert_has_a_test_that_fires() -> None:
    tested = "".join(path.read_text("utf-8") for path in (FILES / "tests").glob("*.yml"))
    assert {name for name in ALERTS if f'labels: \'ALERTS{{alertname="{name}"' not in tested} == set()


@pytest.mark.parametrize("name", ALERTS)
def test_alert_tells_the_operator_what_where_and_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    notes = alert["annotations"]
    assert alert["labels"]["severity"] in {"info", "warning", "critical"}
    assert {"summary", "description", "runbook_url", "dashboard_url"} <= notes.keys()
    assert notes["runbook_url"].endswith(f"#{name.lower()}")
    english, chinese = notes["description"].strip().splitlines()
    assert english.isascii()
    assert any("\u4e00" <= character <= "\u9fff" for character in chinese)
    if alert["labels"]["scope"] == "node":
        assert "$labels.node" in english
        assert "$labels.node" in chinese


def test_alertmanager_configuration_loads() -> None:
    assert "SUCCESS" in run(require("amtool"), "check-config", "alertmanager.yml")


@pytest.mark.parametrize(
    ("severity", "receiver"), [("critical", "on-call"), ("warning", "operators"), ("info", "operators")]
)
def test_alerts_are_routed_by_severity(severity: str, receiver: str) -> None:
    command = [require("amtool"), "config", "routes", "test", "--config.file=alertmanager.yml"]
    assert run(*command, f"severity={severity}", "alertname=X").strip() == receiver
