"""The stack's services find each other with the configuration that they get in it: names, ports, tokens, targets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.binaries import require


@pytest.mark.timeout(200)
@pytest.mark.skipif(os.getuid() != 0, reason="namespaces of its own want root")
def test_every_job_is_scraped_with_tokens_and_an_alert_arrives_through_notify(tmp_path: Path) -> None:
    for program in ("ip", "unshare", "prometheus", "alertmanager"):
        require(program)
    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, "-m", "tests.containers.wired_stack", tmp_path],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["node"] == "M1"
    assert seen["alertmanagers"] == ["http://alertmanager:9093/api/v2/alerts"]
    assert "[critical] Tried" in seen["messages"]
