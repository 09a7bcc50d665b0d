"""The files that Grafana reads at its start say the same as what is pushed into a running one."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path
from typing import Any

import yaml

from grafana import datasource
from grafana.push import FOLDER_TITLE, FOLDER_UID, Grafana
from testkit.fake_grafana import TOKEN, FakeGrafana
from testkit.web import WebServer
from tests.grafana.files import ROOT

PROVISIONING = ROOT / "grafana" / "provisioning"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


READ_BY_GRAFANA = {"alerting", "dashboards", "datasources", "notifiers", "plugins"}
"""`notifiers` up to Grafana 10. Where one is missing, it logs an error at each start."""


def test_every_folder_that_grafana_reads_has_a_file_that_it_takes() -> None:
    assert {path.name for path in PROVISIONING.iterdir()} == READ_BY_GRAFANA
    for folder in PROVISIONING.iterdir():
        # Grafana 9 refuses a file with another ending in alerting/.
        assert {path.suffix for path in folder.iterdir()} == {".yml"}
        assert all(read(path)["apiVersion"] == 1 for path in folder.iterdir())


def test_steps_of_the_guide_put_everything_where_grafana_looks(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "dashboards.md").read_text("utf-8")
    steps = [line.strip() for line in guide.splitlines() if line.startswith("      sudo ")]
    assert steps[-1] == "sudo systemctl restart grafana-server"
    (tmp_path / "etc/grafana/provisioning").mkdir(parents=True)  # as the package leaves it
    for step in steps[:-1]:
        command = step.removeprefix("sudo ").replace(" /", f" {tmp_path}/")
        subprocess.run(command, shell=True, cwd=ROOT, check=True)  # noqa: S602 (the guide's own words)
    provisioning = tmp_path / "etc/grafana/provisioning"
    assert {path.name for path in provisioning.iterdir()} == READ_BY_GRAFANA
    (provider,) = read(provisioning / "dashboards" / "cmzsb.yml")["providers"]
    found = tmp_path / provider["options"]["path"].removeprefix("/")
    shipped = ROOT / "grafana" / "dashboards"
    assert {path.relative_to(found) for path in found.rglob("*.json")} == {
        path.relative_to(shipped) for path in shipped.rglob("*.json")
    }


def test_data_source_is_the_one_that_is_pushed() -> None:
    (provisioned,) = read(PROVISIONING / "datasources" / "prometheus.yml")["datasources"]
    grafana = FakeGrafana()
    with WebServer(grafana.app) as server:
        Grafana(server.url, TOKEN).ensure_datasource(provisioned["url"])
    assert provisioned == grafana.datasources[datasource.UID] | {"isDefault": True}
    jobs = read(ROOT / "prometheus" / "prometheus.yml")["scrape_configs"]
    (monitors,) = (job for job in jobs if job["job_name"] == "cmzsb-monitor")
    assert provisioned["jsonData"]["timeInterval"] == monitors["scrape_interval"]


def test_folder_is_the_one_that_is_pushed_to() -> None:
    (provider,) = read(PROVISIONING / "dashboards" / "cmzsb.yml")["providers"]
    assert (provider["folder"], provider["folderUid"]) == (FOLDER_TITLE, FOLDER_UID)
    assert provider["options"]["path"] in (ROOT / "docs" / "dashboards.md").read_text("utf-8")


def test_wall_display_needs_no_login_and_cannot_write() -> None:
    settings = configparser.ConfigParser(inline_comment_prefixes=None)
    settings.read(ROOT / "grafana" / "grafana.ini", "utf-8")
    assert dict(settings["auth.anonymous"]) == {"enabled": "true", "org_role": "Viewer"}
    (provider,) = read(PROVISIONING / "dashboards" / "cmzsb.yml")["providers"]
    home = Path(settings["dashboards"]["default_home_dashboard_path"])
    assert (ROOT / "grafana" / "dashboards" / home.relative_to(provider["options"]["path"])).exists()
