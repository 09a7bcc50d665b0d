"""Errors of the connection to Ray, each as one line."""

from __future__ import annotations

import subprocess
import sys


def test_address_where_nothing_listens_is_one_line() -> None:
    command = [sys.executable, "-m", "deploy", "--address", "127.0.0.1:1", "--status"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "cmzsb-deploy: nothing answers at 127.0.0.1:1: Connection refused\n"
