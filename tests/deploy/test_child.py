"""The monitor's process and its parent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from testkit.net import free_port, wait_for

START = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-m", "deploy.child", str(os.getpid()), *sys.argv[1:]])
print(child.pid, flush=True)
time.sleep(60)
"""


def test_monitor_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    port = free_port("127.0.24.2")
    command = [sys.executable, "-c", START, "--listen", f"127.0.24.2:{port}", "--state-dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        monitor = psutil.Process(int(parent.stdout.readline()))
        wait_for(lambda: any(one.laddr.port == port for one in monitor.net_connections()), "the monitor", 20)
        parent.kill()
        psutil.wait_procs([monitor], timeout=10)
        assert not monitor.is_running() or monitor.status() == psutil.STATUS_ZOMBIE


def test_monitor_whose_parent_has_ended_already_does_not_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "deploy.child", "1", "--state-dir", str(tmp_path / "state")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "the parent process is gone\n")
    assert not (tmp_path / "state").exists()
