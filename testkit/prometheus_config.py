"""A runnable copy of the product's Prometheus and Alertmanager files: other addresses, shorter waits, same rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import yaml

from testkit.paths import ROOT

SOURCE = ROOT / "prometheus"
_SCRAPE_SECONDS = 2
_WAIT_SECONDS = 5


class Addresses(NamedTuple):
    """`HOST:PORT` of what Prometheus talks to, and of itself; `""` for what there is not."""

    bridge: str
    prometheus: str
    alertmanager: str
    notify: str = ""


def write_prometheus(directory: Path, addresses: Addresses, ray_discovery: Path) -> Path:
    """Write `prometheus.yml` and the rules into `directory`; alerts wait 5 s instead of minutes."""
    config = _load(SOURCE / "prometheus.yml")
    config["global"] |= {"scrape_interval": f"{_SCRAPE_SECONDS}s", "evaluation_interval": f"{_SCRAPE_SECONDS}s"}
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [addresses.alertmanager]}]}]
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    for job in jobs.values():
        job["scrape_interval"], job["scrape_timeout"] = f"{_SCRAPE_SECONDS}s", "1500ms"
    jobs["cmzsb-monitor"]["http_sd_configs"] = [
        {"url": f"http://{addresses.bridge}/sd/prometheus", "refresh_interval": "2s"}
    ]
    jobs["ray"]["file_sd_configs"] = [{"files": [str(ray_discovery)], "refresh_interval": "5s"}]
    for name in ("castray-bridge", "prometheus", "alertmanager", "cmzsb-notify"):
        address = getattr(addresses, name.removeprefix("castray-").removeprefix("cmzsb-"))
        jobs[name]["static_configs"] = [{"targets": [address] if address else []}]
    (directory / "rules").mkdir(exist_ok=True)
    for path in sorted((SOURCE / "rules").glob("*.yml")):
        _dump(_hurried(_load(path)), directory / "rules" / path.name)
    return _dump(config, directory / "prometheus.yml")


def write_unhurried(directory: Path, bridge: str, scrape_seconds: float) -> Path:
    """Write `prometheus.yml` into `directory`: the nodes of `bridge` and itself, and the rules, at their own pace.

    Each monitor is scraped every `scrape_seconds`.
    """
    config = _load(SOURCE / "prometheus.yml")
    config["rule_files"] = [str(SOURCE / "rules" / "*.yml")]
    config.pop("alerting")
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    jobs["cmzsb-monitor"] |= {"scrape_interval": f"{scrape_seconds:g}s"}
    jobs["cmzsb-monitor"]["http_sd_configs"] = [{"url": f"http://{bridge}/sd/prometheus", "refresh_interval": "5s"}]
    jobs["castray-bridge"]["static_configs"] = [{"targets": [bridge]}]
    config["scrape_configs"] = [jobs["cmzsb-monitor"], jobs["castray-bridge"]]
    return _dump(config, directory / "prometheus.yml")


def write_alertmanager(directory: Path, webhook: str | None = None) -> Path:
    """Write `alertmanager.yml` into `directory`; alerts go to the URL `webhook`, or nowhere."""
    config = _load(SOURCE / "alertmanager.yml")
    hooks = [{"url": webhook, "send_resolved": True}] if webhook else []
    config["receivers"] = [{"name": receiver["name"], "webhook_configs": hooks} for receiver in config["receivers"]]
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "2s"}
        route.pop("mute_time_intervals", None)
        if route.get("repeat_interval", "").endswith("s"):  # that of the watchdog; the others are reminders
            route["repeat_interval"] = "2s"
    return _dump(config, directory / "alertmanager.yml")


def _hurried(rules: dict[str, Any]) -> dict[str, Any]:
    for group in rules["groups"]:
        group.pop("interval", None)
        for rule in group["rules"]:
            if "for" in rule:
                rule["for"] = f"{_WAIT_SECONDS}s"
    return rules


def _load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return loaded


def _dump(content: dict[str, Any], path: Path) -> Path:
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "utf-8")
    return path
