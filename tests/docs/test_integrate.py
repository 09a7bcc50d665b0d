"""The examples of docs/integrate.md, run as they stand there."""

from __future__ import annotations

import atexit
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from testkit.fake_ray import FakeRay, RayNode
from testkit.net import free_port, wait_for
from testkit.paths import ROOT
from testkit.process import Process, module

PAGE = (ROOT / "docs" / "integrate.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
SHELL = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    command = [*module("exporter", "--listen", address), "--state-dir", tmp_path / "state"]
    with Process(command, tmp_path / "monitor.log"):
        wait_for(lambda: requests.get(f"http://{address}/api/health", timeout=2).ok, "the monitor", 20)
        yield address


def run(block: str, monitor: str) -> dict[str, Any]:
    exec(block.replace("127.0.0.1:8000", monitor), {"requests": requests})  # noqa: S102 (that is the test)
    stats: dict[str, Any] = requests.get(f"http://{monitor}/api/status", timeout=5).json()["stats"]
    return stats


def test_five_lines_count_what_they_do(monitor: str) -> None:
    assert re.findall(r"  # (\d)", BLOCKS[0]) == ["1", "2", "3", "4", "5"]
    assert run(BLOCKS[0], monitor) == {"total_processed": 2, "low_confidence_count": 1, "sent_to_server": 1}


def test_plain_post_counts_one_and_its_heartbeat_nothing(monitor: str) -> None:
    for block in BLOCKS[1:3]:
        assert run(block, monitor) == {"total_processed": 1, "low_confidence_count": 0, "sent_to_server": 0}


@pytest.mark.parametrize(
    ("before", "arguments", "arrives"),
    [("true", "", False), (SHELL[0], "", True), ("true", ', proxies={"http": ""}', True)],
    ids=["as it is", "no_proxy", "proxies of the call"],
)
def test_post_to_the_node_itself_goes_around_the_campus_proxy(
    monitor: str, before: str, arguments: str, arrives: bool
) -> None:
    assert arguments.lstrip(", ") in PAGE
    code = (
        f"import requests; requests.post('http://{monitor}/api/update_status', json={{'status': 'sending'}}{arguments})"
    )
    own = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment = own | {"http_proxy": f"http://127.0.0.1:{free_port()}", "CODE": code, "PYTHON": sys.executable}
    command = ["sh", "-e", "-c", before + '\n"$PYTHON" -c "$CODE"']
    done = subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False)
    assert (done.returncode == 0) is arrives, done.stderr
    around = {"http": ""}
    stats = requests.get(f"http://{monitor}/api/status", timeout=5, proxies=around).json()["stats"]
    assert stats["sent_to_server"] == arrives


def test_shell_script_shows_its_state_while_the_batch_runs(monitor: str, tmp_path: Path) -> None:
    script = tmp_path / "batch.sh"
    script.write_text(f"#!{sys.executable}\nimport requests\nprint(requests.get('http://{monitor}/api/status').text)\n")
    script.chmod(0o755)
    environment = os.environ | {"CMZSB_URL": f"http://{monitor}", "PYTHONPATH": str(ROOT)}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    printed = subprocess.check_output(["sh", "-e", "-c", SHELL[1]], cwd=tmp_path, env=environment, timeout=30)
    during = json.loads(printed)
    assert (during["status"], during["latest_state"]["message"]) == ("detecting", "nightly batch")
    assert requests.get(f"http://{monitor}/api/status", timeout=5).json()["status"] == "idle"


@contextmanager
def ray(monitor: str) -> Iterator[FakeRay]:
    """A Ray with one node, that of the monitor."""
    with FakeRay(RayNode("M1", monitor.partition(":")[0])) as running:
        yield running


def application(block: str, ray: FakeRay, monitor: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "application"}
    text = block.replace("http://127.0.0.1:8265", ray.url).replace("8000", monitor.partition(":")[2])
    exec(text, names)  # noqa: S102 (that is the test)
    return names


def report(monitor: str, status: str) -> None:
    assert requests.post(f"http://{monitor}/api/update_status", json={"status": status}, timeout=5).ok


def threads() -> set[threading.Thread]:
    """Return the threads of all bridges in this process; a test before may have left some."""
    parts = ("probe-", "refresher", "history", "http-request")
    return {thread for thread in threading.enumerate() if thread.name.startswith(parts)}


def test_flask_application_adds_the_work_status_to_nodes_of_its_own(monitor: str) -> None:
    before = threads()
    with ray(monitor) as source:
        names = application(BLOCKS[3], source, monitor)
        try:
            client = names["app"].test_client()

            def shown() -> Any:
                (node,) = client.get("/api/ray-dashboard").get_json()["nodes"]
                assert (node["nodeIp"], node["cpu"]) == ("127.0.0.1", 12.5)
                return node["workStatus"], node["workStatusReachable"], node["inference"]["sentToServer"]

            report(monitor, "sending")
            wait_for(lambda: shown() == ("sending", True, 1), "the work status", 10)
            report(monitor, "idle")
            wait_for(lambda: shown() == ("idle", True, 1), "the next one", 10)
        finally:
            names["bridge"].close()
            atexit.unregister(names["bridge"].close)
    wait_for(lambda: threads() <= before, "the end of all threads")


def test_fastapi_application_starts_and_closes_the_bridge_with_itself(monitor: str) -> None:
    before = threads()
    uvicorn = pytest.importorskip("uvicorn")
    with ray(monitor) as source:
        port = free_port()
        names = application(BLOCKS[4], source, monitor)
        server = uvicorn.Server(uvicorn.Config(names["app"], port=port, log_level="error"))
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            report(monitor, "detecting")

            def shown() -> Any:
                nodes = requests.get(f"http://127.0.0.1:{port}/api/nodes/unified", timeout=5).json()["nodes"]
                return [(node["name"], node["workStatus"]) for node in nodes]

            wait_for(lambda: server.started, "the application", 10)
            wait_for(lambda: shown() == [("M1", "detecting")], "the work status", 10)
        finally:
            server.should_exit = True
            thread.join(10)
    wait_for(lambda: threads() <= before, "the end of all threads")
