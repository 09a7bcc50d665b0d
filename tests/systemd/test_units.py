"""The units, as systemd itself reads them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.binaries import require

FOLDER = Path(__file__).parents[2] / "systemd"
UNITS = ["cm-zsb-monitor.service", "castray-bridge.service"]
EXPOSURE = 1.5
"""Largest exposure that `systemd-analyze security` may find, of 10."""


def analyze(*arguments: str) -> str:
    command = [require("systemd-analyze"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("name", UNITS)
def test_unit_is_understood_in_every_line(name: str, tmp_path: Path) -> None:
    # The program itself is installed nowhere here; `verify` exits with 0 on unknown keys, but says so.
    text = re.sub(r"ExecStart=\S+", f"ExecStart={sys.executable}", (FOLDER / name).read_text("utf-8"))
    unit = tmp_path / name
    unit.write_text(text, "utf-8")
    assert analyze("verify", "--recursive-errors=no", str(unit)) == ""


@pytest.mark.parametrize("name", UNITS)
def test_unit_exposes_as_little_as_it_can(name: str) -> None:
    found = analyze("security", "--offline=true", str(FOLDER / name))
    overall = re.search(r"Overall exposure level for \S+: ([\d.]+)", found)
    assert overall, found
    assert float(overall[1]) <= EXPOSURE


@pytest.mark.parametrize("name", UNITS)
def test_broken_install_does_not_restart_for_ever_and_one_that_hangs_does(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    assert "Restart=on-failure" in text
    seconds = {
        key: int(value)
        for key, value in re.findall(
            r"^(TimeoutStartSec|RestartSec|WatchdogSec|StartLimit\w+)=(\d+)$", text, re.MULTILINE
        )
    }
    slowest_failure = seconds["TimeoutStartSec"] + seconds["RestartSec"]
    quickest_hang = seconds["WatchdogSec"] + seconds["RestartSec"]
    burst, interval = seconds["StartLimitBurst"], seconds["StartLimitIntervalSec"]
    assert burst * slowest_failure < interval < burst * quickest_hang
