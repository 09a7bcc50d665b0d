"""docs/operations.md: both languages say the same, what it names exists, and what can be typed here is typed."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from castray_bridge.probes.failures import BY_NAME, row_name
from testkit.binaries import require
from testkit.fake_ray import FakeRay, RayNode
from testkit.guide import DOCS, as_root, typed
from testkit.net import wait_for
from testkit.paths import ROOT
from testkit.running import RunningBridge, RunningMonitor

ENGLISH = (DOCS / "operations.md").read_text("utf-8")
CHINESE = (DOCS / "operations.zh-CN.md").read_text("utf-8")
JOURNAL = "/var/lib/cm-zsb-monitor/journal.sqlite3"


def codes(text: str) -> list[str]:
    """Return what else stands in the letters of a machine, in the order of the alphabet."""
    return sorted(re.findall(r"`([^`\n]+)`", text))


CURLS = [line for line in typed(ENGLISH) if line.startswith("curl ")]


def test_both_languages_have_the_same_chapters_commands_and_names() -> None:
    assert typed(ENGLISH) == typed(CHINESE)
    assert codes(ENGLISH) == codes(CHINESE)
    assert len(re.findall(r"^## ", ENGLISH, re.MULTILINE)) == len(re.findall(r"^## ", CHINESE, re.MULTILINE))
    assert len(re.findall(r"^\|", ENGLISH, re.MULTILINE)) == len(re.findall(r"^\|", CHINESE, re.MULTILINE))


def test_every_reason_of_failure_has_its_row() -> None:
    cells = re.findall(r"^\| (`[^|]*) \|", ENGLISH, re.MULTILINE)
    named = {row_name(name) for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    assert named == set(BY_NAME)


def test_options_and_variables_exist() -> None:
    documented = (DOCS / "options.md").read_text("utf-8")
    script = (ROOT / "systemd" / "install.sh").read_text("utf-8")
    own = [line for line in typed(ENGLISH) if "cmzsb" in line or "castray-bridge --" in line or "install.sh" in line]
    own = [line for line in own if not line.startswith("pip ")]
    flags = {flag for line in own for flag in re.findall(r"(?<=\s)--[a-z-]+", line)}
    for flag in flags | set(re.findall(r"`(--[a-z-]+)", ENGLISH)):
        assert f"`{flag}`" in documented or re.search(rf"{flag}\b", script), flag
    for variable in set(re.findall(r"\b(?:CMZSB|CASTRAY_BRIDGE)_[A-Z_]+", ENGLISH)):
        assert f"`{variable}`" in documented, variable


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningMonitor, RunningBridge]]:
    directory = tmp_path_factory.mktemp("services")
    with ExitStack() as stack:
        monitor = stack.enter_context(RunningMonitor(directory))
        ray = stack.enter_context(FakeRay(RayNode("M5", "127.0.0.1")))
        port = monitor.address.partition(":")[2]
        bridge = stack.enter_context(RunningBridge(directory, "--ray-dashboard", ray.url, "--monitor-port", port))
        wait_for(lambda: bridge.nodes()["M5"]["workStatusReachable"], "M5", 20)
        yield monitor, bridge


@pytest.mark.parametrize("command", CURLS)
def test_questions_are_answered(command: str, services: tuple[RunningMonitor, RunningBridge]) -> None:
    require("curl")
    monitor, bridge = services
    for old, new in (
        ("NODE:8000", monitor.address),
        ("127.0.0.1:8000", monitor.address),
        ("HEAD:8001", bridge.address),
        ("curl -s", "curl -fs"),  # a refusal is a failure here
    ):
        command = command.replace(old, new)
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


def test_backup_of_a_running_monitor_starts_another(
    services: tuple[RunningMonitor, RunningBridge], tmp_path: Path
) -> None:
    monitor, _ = services
    monitor.report(status="sending")
    (command,) = as_root(".backup(")
    copy = tmp_path / "state" / "journal.sqlite3"
    copy.parent.mkdir()
    command = command.replace(JOURNAL, str(monitor.state / "journal.sqlite3"))
    subprocess.run(["bash", "-c", command.replace("journal-backup.sqlite3", str(copy))], check=True, timeout=20)
    with RunningMonitor(tmp_path) as other:
        assert other.stats() == monitor.stats()


def test_certificate_and_password_are_made_as_it_says(tmp_path: Path) -> None:
    require("openssl")
    password, certificate = (
        line.replace("/etc/nginx", str(tmp_path)) for line in as_root("openssl passwd", "openssl req")
    )
    # The prompt is the only thing that is changed, and a group that only root may give a file to.
    password = password.replace("openssl passwd -apr1", "echo secret | openssl passwd -apr1 -stdin")
    if os.geteuid():
        password = password.replace("-g www-data ", "")
    for command in (password, certificate):
        subprocess.run(["bash", "-c", command], check=True, capture_output=True, timeout=20)
    users = tmp_path / "castray-bridge.users"
    assert re.fullmatch(r"operator:\$apr1\$\S+\n", users.read_text("utf-8"))
    assert users.stat().st_mode & 0o777 == 0o640
    assert "BEGIN CERTIFICATE" in (tmp_path / "castray-bridge.crt").read_text("utf-8")
