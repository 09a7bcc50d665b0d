"""The supervisor with a real monitor as its child."""

from __future__ import annotations

import json
import os
import platform
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.settings import Settings
from deploy.supervisor import MonitorSupervisor
from testkit.net import free_port, is_free, wait_for

IP = "127.0.24.1"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(free_port(IP), "node", str(tmp_path / "{node}"), 60.0, "info", "1.0.0", "abc", "a-secret-token")


@pytest.fixture
def supervisor(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[MonitorSupervisor]:
    monkeypatch.setenv("CMZSB_NODE_NAME", "wrong")
    running = MonitorSupervisor(settings, "M1", IP)
    yield running
    running.stop()


def running(supervisor: MonitorSupervisor, settings: Settings) -> dict[str, Any]:
    def status() -> dict[str, Any] | None:
        with urllib.request.urlopen(f"http://{IP}:{settings.port}/api/status", timeout=2) as reply:
            assert json.load(reply)["node_id"] == "M1"
        found = supervisor.status()
        return found if found["pid"] else None

    return wait_for(status, "the monitor", 20)


def test_monitor_runs_with_the_settings_and_the_token_is_on_no_disk(
    supervisor: MonitorSupervisor, settings: Settings, tmp_path: Path
) -> None:
    status = running(supervisor, settings)
    assert (status["error"], status["python"]) == ("", platform.python_version())
    assert 0 < status["running_seconds"] < 60
    url = f"http://{IP}:{settings.port}/api/update_status"
    body = json.dumps({"status": "sending"}).encode()
    headers = {"Content-Type": "application/json", "Authorization": "Bearer a-secret-token"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=2) as reply:
        assert json.load(reply)["success"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(b"a-secret-token" in path.read_bytes() for path in files)


def test_monitor_that_is_killed_is_restarted_and_the_signal_is_told(
    supervisor: MonitorSupervisor, settings: Settings
) -> None:
    first = running(supervisor, settings)["pid"]
    os.kill(first, signal.SIGKILL)
    second = wait_for(lambda: (status := running(supervisor, settings))["pid"] != first and status, "a new one", 20)
    assert second["error"] == "ended by signal 9"


def test_stop_ends_the_monitor_and_frees_its_port(supervisor: MonitorSupervisor, settings: Settings) -> None:
    running(supervisor, settings)
    assert supervisor.stop()
    assert supervisor.status()["pid"] is None
    assert is_free(IP, settings.port)


def test_monitor_that_cannot_start_tells_its_own_words(settings: Settings) -> None:
    with socket.create_server((IP, settings.port)):
        supervisor = MonitorSupervisor(settings, "M1", IP)
        error = wait_for(lambda: supervisor.status()["error"], "an error", 20)
        assert supervisor.stop()
    assert error == f"cannot listen on {IP}:{settings.port}: Address already in use"
