"""install.sh, run for real below a throw-away root; what it installed is started as its unit says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from flask import Flask, jsonify

from tests.support.binaries import require
from tests.support.net import free_port, wait_for
from tests.support.process import Process
from tests.support.web import WebServer

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "systemd" / "install.sh"
UNITS = ["cm-zsb-monitor", "castray-bridge"]


def install(*options: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(SCRIPT), *(str(option) for option in options)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)


def files(root: Path) -> dict[str, bytes]:
    """Return what is below `root`, without what Python writes when it runs."""
    found = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheels once, as the documentation says, from a copy: building leaves files beside the sources."""
    copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheels")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        if not (ROOT / name).is_file():  # another change may be under way
            continue
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(out), str(copy)]
    subprocess.run(command, check=True, timeout=100)
    return out


@pytest.fixture(scope="module")
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory, wheels: Path) -> list[str]:
    return ["--wheels", str(wheels), "--prefix", str(tmp_path_factory.mktemp("root")), "--python", sys.executable]


@pytest.fixture(scope="module")
def root(options: list[str], ports: tuple[int, int]) -> Path:
    """Install both services; the tests below go on from there, in their order."""
    given = ["--node-name", "M5", "--port", str(ports[0]), "--bridge-port", str(ports[1])]
    done = install("--monitor", "--bridge", *given, *options)
    assert done.returncode == 0, done.stdout + done.stderr
    return Path(options[3])


def test_second_run_changes_nothing_and_keeps_what_was_edited(root: Path, options: list[str]) -> None:
    edited = root / "etc" / "default" / "cm-zsb-monitor"
    edited.write_text(edited.read_text("utf-8") + "CMZSB_REPORT_TTL=30\n", "utf-8")
    before = files(root)
    done = install("--monitor", "--bridge", *options)
    assert done.returncode == 0, done.stderr
    assert "Nothing to change." in done.stdout
    assert files(root) == before
    assert "CMZSB_NODE_NAME=M5\n" in edited.read_text("utf-8")


def test_firewall_profiles_name_the_ports_that_were_chosen(root: Path, ports: tuple[int, int]) -> None:
    for unit, port in zip(UNITS, ports, strict=True):
        assert f'port="{port}"' in (root / "etc/firewalld/services" / f"{unit}.xml").read_text("utf-8")
        assert f"ports={port}/tcp" in (root / "etc/ufw/applications.d" / unit).read_text("utf-8")


@pytest.mark.parametrize("unit", UNITS)
def test_installed_service_runs_as_its_unit_says(unit: str, root: Path, ports: tuple[int, int], tmp_path: Path) -> None:
    text = (root / "etc/systemd/system" / f"{unit}.service").read_text("utf-8")
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    (environment_file,) = re.findall(r"^EnvironmentFile=-(.*)$", text, re.MULTILINE)
    lines = Path(environment_file).read_text("utf-8").splitlines()
    variables = dict(each.split("=", 1) for each in lines if each and not each.startswith("#"))
    command = shlex.split(line.replace("${STATE_DIRECTORY}", str(tmp_path / "state")))
    port = ports[UNITS.index(unit)]
    assert variables[{"cm-zsb-monitor": "CMZSB_LISTEN", "castray-bridge": "CASTRAY_BRIDGE_LISTEN"}[unit]].endswith(
        str(port)
    )
    loopback = {name: value.replace("0.0.0.0", "127.0.0.1") for name, value in variables.items()}
    with Process(command, tmp_path / "log", loopback) as process:
        health = wait_for(
            lambda: requests.get(f"http://127.0.0.1:{port}/api/health", timeout=5).json(), "an answer", 20
        )
        assert health["service"] in ("CM-ZSB监控", "CastRay bridge")
        assert process.terminate() == 0


def test_uninstall_leaves_what_is_the_operators_and_purge_nothing(root: Path) -> None:
    journal = root / "var" / "lib" / "cm-zsb-monitor" / "journal.sqlite3"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"history")
    assert install("--uninstall", "--prefix", root).returncode == 0
    assert set(files(root)) == {"var/lib/cm-zsb-monitor/journal.sqlite3", "etc/default/cm-zsb-monitor"}
    assert install("--uninstall", "--purge", "--prefix", root).returncode == 0
    assert list(root.iterdir()) == []


def test_old_castray_on_the_monitors_port_is_explained_before_anything_is_changed(tmp_path: Path) -> None:
    app = Flask("castray")
    app.get("/api/ray-dashboard")(lambda: jsonify(result=True, data={"nodes": []}))
    with WebServer(app) as castray:
        done = install("--monitor", "--port", str(castray.port), "--prefix", tmp_path / "root")
    assert done.returncode == 1
    assert "old CastRay" in done.stderr
    assert "旧的 CastRay" in done.stderr
    assert not (tmp_path / "root").exists()


def test_other_program_on_the_port_is_told_apart(tmp_path: Path) -> None:
    with WebServer(Flask("other")) as other:
        done = install("--bridge", "--bridge-port", str(other.port), "--prefix", tmp_path / "root")
    assert done.returncode == 1
    assert "another program" in done.stderr


@pytest.mark.parametrize(
    "options",
    [(), ("--nonsense",), ("--monitor", "--port", "x"), ("--monitor", "--prefix", "relative"), ("--purge",),
     ("--monitor", "--node-name", "<M5>"), ("--monitor", "--port")],
)  # fmt: skip
def test_wrong_options_change_nothing(options: tuple[str, ...]) -> None:
    assert install(*options).returncode == 1


def test_scripts_are_clean() -> None:
    command = [require("shellcheck"), "-x", "-P", str(SCRIPT.parent), *map(str, sorted(SCRIPT.parent.glob("*.sh")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert os.access(SCRIPT, os.X_OK)
