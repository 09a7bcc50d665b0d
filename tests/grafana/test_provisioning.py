"""The files that Grafana reads at its start say the same as what is pushed into a running one."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import yaml

from grafana.push import DATASOURCE_UID, FOLDER_TITLE, FOLDER_UID, Grafana
from testkit.fake_grafana import TOKEN, FakeGrafana
from testkit.web import WebServer
from tests.grafana.files import ROOT

PROVISIONING = ROOT / "grafana" / "provisioning"


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


def test_data_source_is_the_one_that_is_pushed() -> None:
    (provisioned,) = read(PROVISIONING / "datasources" / "prometheus.yml")["datasources"]
    grafana = FakeGrafana()
    with WebServer(grafana.app) as server:
        Grafana(server.url, TOKEN).ensure_datasource(provisioned["url"])
    assert provisioned == grafana.datasources[DATASOURCE_UID] | {"isDefault": True}
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
