"""The configuration of the stack is that of a single machine with other addresses, and its programs take it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from containers.__main__ import ROOT, files, prometheus
from testkit.binaries import require
from tests.containers.files import CONTAINERS, services


@pytest.mark.parametrize("name", files())
def test_committed_file_is_fresh(name: str) -> None:
    assert (CONTAINERS / name).read_text("utf-8") == files()[name], "make generate"


def test_command_writes_the_files(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "containers", tmp_path], cwd=ROOT, check=True)
    assert {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()} == files()


@pytest.mark.parametrize("name", files())
def test_no_address_of_the_single_machine_is_left(name: str) -> None:
    """Prometheus' own is: it scrapes itself."""
    left = set(re.findall(r"(?:localhost|127\.\d+\.\d+\.\d+)(?::\d+)?", files()[name]))
    assert left <= {"127.0.0.1:9090"}


@pytest.mark.parametrize("name", files())
def test_every_address_is_that_of_a_service(name: str) -> None:
    """Or that of Ray's head; placeholders of receivers that nothing goes to are not looked at."""
    hosts = {urlsplit(url).hostname for url in re.findall(r"https?://[^\s'\"]+", files()[name])}
    assert hosts <= {*services(), "ray-head"}


def test_prometheus_keeps_everything_else() -> None:
    single = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text("utf-8"))
    own = prometheus()
    assert own["rule_files"] == single["rule_files"]
    assert [job["job_name"] for job in own["scrape_configs"]] == [job["job_name"] for job in single["scrape_configs"]]
    assert own["global"] | {"external_labels": None} == single["global"] | {"external_labels": None}


def test_prometheus_takes_its_file(tmp_path: Path) -> None:
    shutil.copy(CONTAINERS / "prometheus.yml", tmp_path)
    shutil.copytree(ROOT / "prometheus/rules", tmp_path / "rules")
    text = (tmp_path / "prometheus.yml").read_text("utf-8")
    (tmp_path / "prometheus.yml").write_text(text.replace("/run/secrets", str(tmp_path)), "utf-8")
    for name in ("ray_token", "castray_bridge_token"):
        (tmp_path / name).touch()
    done = subprocess.run(
        [require("promtool"), "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_alertmanager_takes_its_file() -> None:
    done = subprocess.run(
        [require("amtool"), "check-config", CONTAINERS / "alertmanager.yml"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
