"""The units, as systemd itself reads them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from testkit.binaries import require
from testkit.net import free_port, wait_for
from testkit.process import Process, module
from tests.systemd.analyze import analyze

FOLDER = Path(__file__).parents[2] / "systemd"
UNITS = ["cm-zsb-monitor.service", "castray-bridge.service", "cmzsb-notify.service"]
EXPOSURE = 1.5
"""Largest exposure that `systemd-analyze security` may find, of 10."""


DESCRIPTORS = {
    "cm-zsb-monitor.service": 2000 + 100,
    "castray-bridge.service": 2 * 1200 + 1000 + 100,
    "cmzsb-notify.service": 2 * 200 + 100,
}
"""Connections that a service lets in, nodes that it asks at once, and some files."""
PROC = {"ProtectProc=invisible": "hidepid=2", "ProcSubset=pid": "subset=pid"}
"""What directives of a unit are as options of the proc file system."""


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


@pytest.mark.parametrize("name", [*UNITS, "cmzsb-notify.service"])
def test_service_is_started_again_for_ever_unless_its_options_are_wrong(name: str) -> None:
    """tests/systemd/lab lets a real systemd do so."""
    settings = dict(re.findall(r"^(\w+)=(\S+)$", (FOLDER / name).read_text("utf-8"), re.MULTILINE))
    assert settings["StartLimitIntervalSec"] == "0"
    assert settings["Restart"] == "always"
    assert settings["RestartPreventExitStatus"] == "2"
    assert int(settings["TimeoutStartSec"]) >= 90


@pytest.mark.parametrize("name", UNITS)
def test_unit_grants_a_descriptor_for_every_connection(name: str) -> None:
    (limit,) = re.findall(r"^LimitNOFILE=(\d+)$", (FOLDER / name).read_text("utf-8"), re.MULTILINE)
    assert int(limit) > DESCRIPTORS[name]


@pytest.mark.parametrize("name", UNITS)
def test_service_tells_of_its_own_process_with_the_proc_of_its_unit(name: str, tmp_path: Path) -> None:
    """The alert on a reporter that never reported needs the start time of the monitor's process."""
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    options = ",".join(option for directive, option in PROC.items() if directive in lines)
    assert options
    inside = [require("unshare"), "--map-root-user", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c",
              f'mount -t proc -o {options} proc /proc && exec "$@"', "sh"]  # fmt: skip
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("namespaces may not be made here")
    address = f"127.0.0.1:{free_port()}"
    (tmp_path / "addresses").write_text("all zh wecombot://key\n", "utf-8")
    own = {
        "cm-zsb-monitor.service": module("exporter", "--listen", address, "--state-dir", tmp_path / "state"),
        "castray-bridge.service": module("castray_bridge", "--listen", address, "--castray", "http://127.0.0.1:1"),
        "cmzsb-notify.service": module("notify", "--listen", address, "--addresses", tmp_path / "addresses"),
    }
    with Process([*inside, *own[name]], tmp_path / "log"):
        text = wait_for(lambda: requests.get(f"http://{address}/metrics", timeout=5).text, "the service", 20)
    assert re.search(r"^process_start_time_seconds [\d.e+]+$", text, re.MULTILINE)
