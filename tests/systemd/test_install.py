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

from testkit.binaries import require
from testkit.net import free_port, wait_for
from testkit.process import Process
from testkit.web import WebServer
from tests.systemd.analyze import analyze

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "systemd" / "install.sh"
LISTEN = {"cm-zsb-monitor": "CMZSB_LISTEN", "castray-bridge": "CASTRAY_BRIDGE_LISTEN"}
UNITS = list(LISTEN)


def install(*options: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(SCRIPT), *(str(option) for option in options)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def files(root: Path) -> dict[str, bytes]:
    """Return what is below `root`, without what Python writes when it runs."""
    found = (path for path in root.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.mark.timeout(600)
def test_the_course_of_an_installation_below_a_prefix(wheels: Path, tmp_path: Path) -> None:
    """One course in one test, because installing takes long: each step begins where the one before ended."""
    root, token = tmp_path / "root", tmp_path / "token"
    root.mkdir()
    token.write_text("secret")
    ports = (free_port(), free_port())
    source = ("--wheels", wheels, "--prefix", root, "--python", sys.executable)
    given = ("--node-name", "M5", "--port", str(ports[0]), "--bridge-port", str(ports[1]))
    given += ("--alertmanager-url", "http://head:9093")
    done = install("--monitor", "--bridge", *given, *source)
    assert done.returncode == 0, done.stdout + done.stderr
    for unit, port in zip(UNITS, ports, strict=True):
        assert f'port="{port}"' in (root / "etc/firewalld/services" / f"{unit}.xml").read_text("utf-8")
        assert f"ports={port}/tcp" in (root / "etc/ufw/applications.d" / unit).read_text("utf-8")
        run_as_the_unit_says(root, unit, port, tmp_path / unit)
        variable = LISTEN[unit].replace("LISTEN", "ALERTMANAGER_URL")
        assert f"\n{variable}=http://head:9093\n" in (root / "etc/default" / unit).read_text("utf-8")

    tokens = [option for name in ("", "bridge-", "ray-") for option in (f"--{name}token-file", token)]
    assert install("--monitor", "--bridge", *tokens, *source).returncode == 0
    for unit in UNITS:
        assert analyze("verify", "--recursive-errors=no", str(root / "etc/systemd/system" / f"{unit}.service")) == ""

    edited = root / "etc" / "default" / "cm-zsb-monitor"
    edited.write_text(edited.read_text("utf-8") + "CMZSB_REPORT_TTL=30\n", "utf-8")
    before = files(root)
    done = install("--monitor", "--bridge", *source)
    assert done.returncode == 0, done.stderr
    assert "Nothing to change." in done.stdout
    assert files(root) == before
    assert "CMZSB_NODE_NAME=M5\n" in edited.read_text("utf-8")

    journal = root / "var" / "lib" / "cm-zsb-monitor" / "journal.sqlite3"
    journal.parent.mkdir(parents=True)
    journal.write_bytes(b"history")
    assert install("--uninstall", "--prefix", root).returncode == 0
    kept = set(files(root))
    assert kept >= {"var/lib/cm-zsb-monitor/journal.sqlite3", "etc/default/cm-zsb-monitor"}
    assert {name.rpartition("/")[2] for name in kept if "systemd" in name} == {
        "cmzsb-token-file.conf", "castray-bridge-token-file.conf", "castray-bridge-ray-token-file.conf"
    }  # fmt: skip
    assert install("--uninstall", "--purge", "--prefix", root).returncode == 0
    assert list(root.iterdir()) == []


@pytest.mark.timeout(600)
def test_gateway_brings_the_bridge_follows_its_port_and_is_taken_off(wheels: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    source = ("--wheels", wheels, "--prefix", root, "--python", sys.executable)
    gateway, options = root / "etc/nginx/conf.d/castray-gateway.conf", root / "etc/default/castray-bridge"
    ports = [str(free_port()) for _ in range(3)]
    done = install("--gateway", "--castray-port", ports[0], "--bridge-port", ports[1], *source)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(re.findall(r"proxy_pass http://([^;/]*)", gateway.read_text("utf-8"))) == {
        f"127.0.0.1:{port}" for port in ports[:2]
    }
    assert f"CASTRAY_BRIDGE_CASTRAY=http://127.0.0.1:{ports[0]}\n" in options.read_text("utf-8")
    assert "\nCASTRAY_BRIDGE_RAY_DASHBOARD=" in options.read_text("utf-8")

    assert install("--bridge", "--bridge-port", ports[2], *source).returncode == 0
    assert set(re.findall(r"proxy_pass http://([^;/]*)", gateway.read_text("utf-8"))) == {
        f"127.0.0.1:{port}" for port in (ports[0], ports[2])
    }
    assert "Nothing to change." in install("--gateway", *source).stdout

    done = install("--uninstall", "--gateway", "--prefix", root)
    assert (done.returncode, gateway.exists(), options.exists()) == (0, False, True)
    assert "let CastRay listen on port 28823 again" in done.stdout
    assert "CASTRAY_BRIDGE_CASTRAY=http://127.0.0.1:28823\n" in options.read_text("utf-8")
    assert install("--gateway", *source).returncode == 0
    assert install("--uninstall", "--purge", "--prefix", root).returncode == 0
    assert list(root.iterdir()) == []


def run_as_the_unit_says(root: Path, unit: str, port: int, directory: Path) -> None:
    directory.mkdir()
    text = (root / "etc/systemd/system" / f"{unit}.service").read_text("utf-8")
    (line,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    (environment_file,) = re.findall(r"^EnvironmentFile=-(.*)$", text, re.MULTILINE)
    lines = Path(environment_file).read_text("utf-8").splitlines()
    variables = dict(each.split("=", 1) for each in lines if each and not each.startswith("#"))
    command = shlex.split(line.replace("${STATE_DIRECTORY}", str(directory / "state")))
    assert variables[LISTEN[unit]].endswith(str(port))
    loopback = {name: value.replace("0.0.0.0", "127.0.0.1") for name, value in variables.items()}
    with Process(command, directory / "log", loopback) as process:
        health = wait_for(
            lambda: requests.get(f"http://127.0.0.1:{port}/api/health", timeout=5).json(), "an answer", 20
        )
        assert health["service"] in ("CM-ZSB监控", "CastRay bridge")
        assert process.terminate() == 0


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
     ("--monitor", "--node-name", "<M5>"), ("--monitor", "--port"), ("--monitor", "--token-file", "token"),
     ("--monitor", "--token-file", "/no/such/file"), ("--bridge", "--ray-token-file", "/etc/%d"),
     ("--gateway", "--castray-port", "28823"), ("--gateway", "--castray-port", "x")],
)  # fmt: skip
def test_wrong_options_change_nothing(options: tuple[str, ...]) -> None:
    assert install(*options).returncode == 1


def test_scripts_are_clean() -> None:
    command = [require("shellcheck"), "-x", "-P", str(SCRIPT.parent), *map(str, sorted(SCRIPT.parent.glob("*.sh")))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout == ""
    assert os.access(SCRIPT, os.X_OK)
