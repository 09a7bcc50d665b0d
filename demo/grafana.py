"""Grafana in the demo, with the provisioning of this repository and its own data directory."""

from __future__ import annotations

import configparser
import json
import os
import shutil
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from demo.grafana_launcher import Launcher, find
from servicekit.errors import StartError
from testkit.net import free_port, wait_for
from testkit.paths import ROOT
from testkit.process import Process

SOURCE: Final = ROOT / "grafana"
HOST: Final = "127.0.0.1"
PORT: Final = 3000
"""Used where it is free; else the system chooses another."""
ADVICE: Final = (
    "going on without Grafana: none on PATH, no GRAFANA_HOME, neither docker nor podman answers; "
    "get it from https://grafana.com/grafana/download (GRAFANA=off: without this line)"
)
_SETTINGS: Final = {
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_LOG_MODE": "console",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED": "true",
    # The viewer without login is the only user: no administrator, no default password.
    "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
}
"""Besides those of `grafana/grafana.ini`: no request goes to the internet."""
Tell = Callable[[str], None]


class Dashboard(NamedTuple):
    """A dashboard of this repository in the running Grafana."""

    title: str
    url: str


class Choice(NamedTuple):
    """How to run Grafana, or why it does not run; `reason` is empty where it was switched off."""

    launcher: Launcher | None
    reason: str = ""


def choose(environment: Mapping[str, str] = os.environ) -> Choice:
    """Return how to run Grafana. Raises `StartError` for a wrong GRAFANA or GRAFANA_HOME."""
    setting = environment.get("GRAFANA", "")
    if setting == "off":
        return Choice(None)
    if setting:
        raise StartError(f"GRAFANA={setting}: only `off` is known; GRAFANA_HOME names Grafana's directory")
    launcher = find(environment)
    return Choice(launcher, "" if launcher else ADVICE)


@contextmanager
def running(choice: Choice, directory: Path, prometheus_url: str, tell: Tell) -> Iterator[list[Dashboard]]:
    """Run Grafana with its files in the new `directory` and yield its dashboards.

    Where it does not run there are none, and one line says why.
    """
    launcher, reason = choice
    if launcher and not prometheus_url:
        launcher, reason = None, "going on without Grafana, because there is no Prometheus"
    if reason:
        tell(reason)
    if launcher is None:
        yield []
        return
    port = free_port(HOST, PORT)
    url = f"http://{HOST}:{port}"
    settings = {**_SETTINGS, **write_files(directory, prometheus_url)}
    settings |= {"GF_SERVER_HTTP_ADDR": HOST, "GF_SERVER_HTTP_PORT": str(port)}
    tell("starting Grafana")
    with ExitStack() as stack:
        stack.callback(launcher.remove)
        process = stack.enter_context(launcher.start(directory, settings))
        yield dashboards(url) if _is_up(process, url, launcher.start_seconds, tell) else []


def write_files(directory: Path, prometheus_url: str) -> dict[str, str]:
    """Copy dashboards and provisioning into the new `directory`, and return the settings that lead to them.

    The copies differ from the repository's in two addresses: that of Prometheus, and where the dashboards are.
    """
    provisioning, own = directory / "provisioning", directory / "dashboards"
    shutil.copytree(SOURCE / "provisioning", provisioning)
    shutil.copytree(SOURCE / "dashboards", own)
    shipped = ""
    for path in provisioning.glob("*/*.yml"):
        content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
        for source in content.get("datasources", []):
            source["url"] = prometheus_url
        for provider in content.get("providers", []):
            shipped, provider["options"]["path"] = provider["options"]["path"], str(own)
        path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    settings = {key: value.replace(shipped, str(own)) for key, value in _wall_display().items()}
    return {**settings, "GF_PATHS_PROVISIONING": str(provisioning)}


def dashboards(url: str) -> list[Dashboard]:
    """Return the dashboards of this repository in the Grafana at `url`."""
    loaded = [json.loads(path.read_text("utf-8")) for path in sorted(SOURCE.glob("dashboards/*/*.json"))]
    return [Dashboard(each["title"], f"{url}/d/{each['uid']}") for each in loaded]


def _wall_display() -> dict[str, str]:
    """Return the settings of the shipped `grafana.ini` as Grafana's environment variables."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(SOURCE / "grafana.ini", "utf-8")
    return {
        f"GF_{section}_{key}".upper().replace(".", "_"): value
        for section in parser.sections()
        for key, value in parser[section].items()
    }


def _is_up(process: Process, url: str, within: float, tell: Tell) -> bool:
    """Wait until Grafana answers; tell its last line where it does not."""
    try:
        wait_for(lambda: not process.running or _answers(url), "Grafana", within)
    except TimeoutError:
        tell(f"going on without Grafana: no answer within {within:.0f} s; its last line: {_last_line(process)}")
        return False
    if not process.running:
        tell(f"going on without Grafana: it ended; its last line: {_last_line(process)}")
        return False
    tell(f"Grafana: {url}")
    return True


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{url}/api/health", timeout=5) as reply:
        return bool(reply.status == 200)


def _last_line(process: Process) -> str:
    return (process.output().strip().splitlines() or ["(none)"])[-1]
