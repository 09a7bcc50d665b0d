"""`python -m demo` as a newcomer runs it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from testkit import grafana_program
from testkit.net import wait_for
from testkit.process import Process, module

pytestmark = pytest.mark.timeout(200)


def leftovers(marker: str) -> list[list[str]]:
    """Return the command lines of living processes that carry `marker` in their environment."""
    return [cmdline for process in psutil.process_iter() if (cmdline := _marked(process, marker))]


def _marked(process: psutil.Process, marker: str) -> list[str]:
    try:
        return process.cmdline() if process.environ().get("DEMO_TEST") == marker else []
    except psutil.Error:  # gone in the meantime, or not ours to look at
        return []


def test_demo_shows_lights_and_leaves_nothing(tmp_path: Path) -> None:
    command = module("demo", "--nodes", "2", "--duration", "6")
    grafana = grafana_program.install_home(tmp_path / "home", tmp_path / "calls")
    environment = {"DEMO_TEST": str(tmp_path), "GRAFANA_HOME": str(grafana.parents[1])}
    with Process(command, tmp_path / "demo.log", environment) as demo:
        wait_for(lambda: not demo.running, "the demo's end", 150)
        shown = demo.output()
    assert "traffic-light wall" in shown
    assert "M1=" in shown
    assert "M2=" in shown
    assert "/d/cmzsb-fleet-en" in shown
    assert shown.rstrip().endswith("nothing is left running")
    assert leftovers(str(tmp_path)) == []


def test_ctrl_c_in_the_middle_of_the_start_leaves_nothing(tmp_path: Path) -> None:
    command = module("demo", "--nodes", "2")
    with Process(command, tmp_path / "demo.log", {"DEMO_TEST": str(tmp_path), "GRAFANA": "off"}) as demo:
        wait_for(lambda: "Ray node M1" in demo.output(), "the first Ray node", 60)
        os.kill(demo.pid, signal.SIGINT)
        wait_for(lambda: not demo.running, "the demo's end", 60)
        assert "interrupted" in demo.output()
    assert leftovers(str(tmp_path)) == []


def test_wrong_option_is_one_line() -> None:
    done = subprocess.run(module("demo", "--nodes", "0"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
