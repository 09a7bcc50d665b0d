"""The reporter, copied beside a script, under every Python of this machine from 3.7 on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from exporter import reporter as module
from testkit.fake_monitor import FakeMonitor
from testkit.pythons import interpreters

OLDEST, NEWEST = (3, 7), (3, 13)
HERE = {tuple(sys.version_info[:2]): sys.executable, **interpreters(OLDEST, NEWEST)}
SCRIPT = """
import multiprocessing, sys, threading
from reporter import StatusReporter

reporter = StatusReporter(sys.argv[1], ttl=30)

def count(_):
    reporter.inference(0.01, low_confidence=True)

if __name__ == "__main__":
    with reporter.detecting("frame 17", message="m"):
        reporter.inference(seconds=0.031)
        thread = threading.Thread(target=count, args=(0,))
        thread.start()
        thread.join()
    with reporter.sending("frame 17"):
        pass
    with multiprocessing.get_context("fork").Pool(2) as pool:
        pool.map(count, range(6), chunksize=3)
        pool.close()
        pool.join()
    reporter.report("sending", task_info={"camera": 2})
    # The exit of the interpreter sends the rest.
"""


@pytest.mark.parametrize("version", HERE, ids=lambda version: ".".join(map(str, version)))
def test_script_of_any_python_reports_states_and_counts(tmp_path: Path, version: tuple[int, int]) -> None:
    shutil.copy(module.__file__, tmp_path / "reporter.py")
    (tmp_path / "predict_and_send.py").write_text(SCRIPT)
    with FakeMonitor() as monitor:
        done = subprocess.run(
            [HERE[version], "predict_and_send.py", monitor.url],
            cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert (done.returncode, done.stderr) == (0, "")
        assert monitor.totals() == {"processed": 8, "low_confidence": 7, "sent_to_server": 2}
        assert sorted(monitor.durations()) == [0.01] * 7 + [0.031]
        assert ("detecting", "frame 17") in monitor.changes
        assert ("sending", "frame 17") in monitor.changes
        assert monitor.statuses[-1] == "idle"


@pytest.mark.parametrize("version", HERE, ids=lambda version: ".".join(map(str, version)))
def test_command_line_of_any_python_reports_once(tmp_path: Path, version: tuple[int, int]) -> None:
    shutil.copy(module.__file__, tmp_path / "reporter.py")
    with FakeMonitor() as monitor:
        command = [HERE[version], "reporter.py", "detecting", "--message", "夜间批次", "--url", monitor.url]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert monitor.reports == [{"status": "detecting", "message": "夜间批次", "current_task": ""}]
