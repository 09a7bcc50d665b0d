"""docs/containers.md: its commands and settings are those that there are, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import requests
from flask import Request
from werkzeug.exceptions import Forbidden
from werkzeug.test import EnvironBuilder

from castray_bridge.__main__ import command as bridge
from exporter.__main__ import command as monitor
from exporter.web.access import WritePolicy, networks
from servicekit.cli import options
from testkit.guide import typed
from testkit.net import free_port, wait_for
from testkit.paths import DOCS
from testkit.process import Process, module
from tests.containers.files import CONTAINERS, compose, settings, stages

GUIDE = (DOCS / "containers.md").read_text("utf-8")
CHINESE = (DOCS / "containers.zh-CN.md").read_text("utf-8")
EVERYWHERE = pytest.mark.parametrize("page", [GUIDE, CHINESE], ids=["en", "zh"])


def suggested() -> dict[str, str]:
    """Return the settings of the monitor for scripts that run in containers."""
    return dict(line.split("=", 1) for line in typed(GUIDE) if line.startswith("CMZSB_"))


def status_of(port: int, path: str, headers: dict[str, str]) -> int:
    """Wait until the service answers and return the status of its reply."""
    url = f"http://127.0.0.1:{port}{path}"
    return wait_for(lambda: requests.get(url, headers=headers, timeout=5).status_code, "service", 20)


def test_chinese_guide_has_the_same_commands() -> None:
    assert typed(CHINESE) == typed(GUIDE)
    assert re.findall(r"```yaml.*?```", CHINESE, re.DOTALL) == re.findall(r"```yaml.*?```", GUIDE, re.DOTALL)
    assert CHINESE.count("\n## ") == GUIDE.count("\n## ")


@EVERYWHERE
def test_every_target_file_and_program_is_there(page: str) -> None:
    assert set(re.findall(r"--target (\w+)", page)) <= set(stages())
    for name in re.findall(r"containers/\w[\w.]*\.(?:sh|yaml|example)|containers/Containerfile", page):
        assert name.endswith("override.yaml") or (CONTAINERS.parent / name).exists(), name


@EVERYWHERE
def test_every_variable_is_an_option_or_a_setting_of_the_stack(page: str) -> None:
    known = {row.environment for command in (monitor, bridge) for row in options(command)}
    assert set(re.findall(r"\b(?:CMZSB|CASTRAY_BRIDGE)_[A-Z_]+", page)) <= known
    words = set(re.findall(r"`((?:RAY|BRIDGE|ALERTMANAGER)_[A-Z_]+)`", page))
    assert words <= settings(CONTAINERS / "env.example")
    assert words


@EVERYWHERE
def test_every_service_has_its_row_and_every_secret_its_place(page: str) -> None:
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == set(compose()["services"])
    named = set(re.findall(r"secrets/\w+", page))
    assert named == {secret["file"] for secret in compose()["secrets"].values()}


def test_script_in_a_container_may_report_with_the_settings_of_the_guide() -> None:
    request = Request(EnvironBuilder(method="POST", json={}, environ_base={"REMOTE_ADDR": "172.17.0.5"}).get_environ())
    WritePolicy(networks(suggested()["CMZSB_TRUSTED_WRITERS"])).check(request)
    with pytest.raises(Forbidden):
        WritePolicy(networks("127.0.0.0/8,::1")).check(request)


@pytest.mark.parametrize(("environment", "status"), [({}, 421), (suggested(), 200)], ids=["without", "with"])
def test_monitor_answers_to_the_name_of_the_host_with_the_settings_of_the_guide(
    tmp_path: Path, environment: dict[str, str], status: int
) -> None:
    port = free_port()
    command = module("exporter", "--listen", f"127.0.0.1:{port}", "--state-dir", tmp_path / "state")
    with Process(command, tmp_path / "log", environment):
        assert status_of(port, "/api/status", {"Host": f"host.docker.internal:{port}"}) == status


def test_empty_variables_of_the_stack_are_options_that_were_not_given(tmp_path: Path) -> None:
    """As `.env` leaves the token files, and the guide Ray's dashboard beside a CastRay."""
    port = free_port()
    empty = dict.fromkeys(
        ("CASTRAY_BRIDGE_RAY_DASHBOARD", "CASTRAY_BRIDGE_RAY_TOKEN_FILE", "CASTRAY_BRIDGE_TOKEN_FILE"), ""
    )
    environment = {
        **empty,
        "CASTRAY_BRIDGE_LISTEN": f"127.0.0.1:{port}",
        "CASTRAY_BRIDGE_CASTRAY": "http://127.0.0.1:9",
    }
    with Process(module("castray_bridge"), tmp_path / "log", environment):
        # Prometheus sends this of an empty token file. No token is wanted; there is only no CastRay.
        assert status_of(port, "/sd/prometheus", {"Authorization": ""}) == 503
