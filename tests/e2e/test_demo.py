"""`python -m demo` as a newcomer runs it."""

from __future__ import annotations

import io
import os
import signal
import subprocess
from pathlib import Path

import psutil
import pytest
from rich.console import Console

from demo.table import table, with_messages
from testkit import grafana_program
from testkit.binaries import require
from testkit.net import wait_for
from testkit.process import Process, module

pytestmark = pytest.mark.timeout(400)


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


def test_demo_shows_the_message_that_a_group_chat_would_get(tmp_path: Path) -> None:
    require("prometheus")
    require("alertmanager")
    command = module("demo", "--nodes", "1")
    with Process(command, tmp_path / "demo.log", {"DEMO_TEST": str(tmp_path)}) as demo:
        wait_for(lambda: "message to the group chat:\n    [warning] " in demo.output(), "the message", 150)
        os.kill(demo.pid, signal.SIGINT)
        wait_for(lambda: not demo.running, "the demo's end", 150)
    assert leftovers(str(tmp_path)) == []


def test_panel_below_the_table_shows_the_newest_messages_as_text() -> None:
    console = Console(width=100, record=True, file=io.StringIO())
    messages = ["[warning] First: M1\nbody", "[critical] Second\nbody", "[resolved] Third: M1\nbody"]
    console.print(with_messages(table([], [], "note"), messages))
    shown = console.export_text()
    assert "messages to the group chat (3)" in shown
    assert "First" not in shown
    assert "[critical] Second" in shown
    assert "[resolved] Third: M1" in shown


def test_ctrl_c_in_the_middle_of_the_start_leaves_nothing(tmp_path: Path) -> None:
    command = module("demo", "--nodes", "2")
    with Process(command, tmp_path / "demo.log", {"DEMO_TEST": str(tmp_path), "GRAFANA": "off"}) as demo:
        wait_for(lambda: "Ray node M1" in demo.output(), "the first Ray node", 150)
        os.kill(demo.pid, signal.SIGINT)
        wait_for(lambda: not demo.running, "the demo's end", 150)
        assert "interrupted" in demo.output()
    assert leftovers(str(tmp_path)) == []


def test_wrong_option_is_one_line() -> None:
    done = subprocess.run(module("demo", "--nodes", "0"), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
