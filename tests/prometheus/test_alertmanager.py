"""Alertmanager's files as amtool sees them."""

from __future__ import annotations

import subprocess

import pytest

from testkit.required import require
from tests.prometheus.promql import ROOT


def amtool(*arguments: str) -> str:
    command = [require("amtool"), *arguments]
    done = subprocess.run(command, cwd=ROOT / "prometheus", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_configuration_loads() -> None:
    assert "SUCCESS" in amtool("check-config", "alertmanager.yml")


@pytest.mark.parametrize(
    ("severity", "receiver"), [("critical", "on-call"), ("warning", "operators"), ("info", "operators")]
)
def test_alerts_are_routed_by_severity(severity: str, receiver: str) -> None:
    arguments = ["config", "routes", "test", "--config.file=alertmanager.yml", f"severity={severity}", "alertname=X"]
    assert amtool(*arguments).strip() == receiver
