"""Alertmanager's files as amtool sees them."""

from __future__ import annotations

import subprocess

import pytest
import yaml

from notify.__main__ import command
from servicekit.cli import options
from testkit.binaries import require
from tests.prometheus.promql import ROOT


def amtool(*arguments: str) -> str:
    command = [require("amtool"), *arguments]
    done = subprocess.run(command, cwd=ROOT / "prometheus", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_configuration_loads() -> None:
    assert "SUCCESS" in amtool("check-config", "alertmanager.yml")


def route(*labels: str) -> str:
    return amtool("config", "routes", "test", "--config.file=alertmanager.yml", *labels).strip()


@pytest.mark.parametrize("severity", ["critical", "warning", "info"])
def test_alerts_of_every_severity_go_to_people(severity: str) -> None:
    assert route(f"severity={severity}", "alertname=X") == "cmzsb-notify"


def test_watchdog_is_routed_apart() -> None:
    assert route("severity=none", "alertname=Watchdog") == "watchdog"


def test_every_receiver_in_use_is_cmzsb_notify_at_its_default_address() -> None:
    config = yaml.safe_load((ROOT / "prometheus/alertmanager.yml").read_text("utf-8"))
    used = {config["route"]["receiver"], *(each["receiver"] for each in config["route"]["routes"])}
    (listen,) = (row.default for row in options(command) if row.flag == "--listen")
    urls = {hook["url"] for each in config["receivers"] if each["name"] in used for hook in each["webhook_configs"]}
    assert urls == {f"http://{listen}/alerts"}
