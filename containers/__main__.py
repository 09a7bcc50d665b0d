"""`python -m containers`: writes the configuration files of the stack beside `compose.yaml`.

They are those of a single machine, in `prometheus/` and `grafana/provisioning/`, with the addresses that the services
have between containers.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
_REPLACED: Final = {
    "127.0.0.1:8001": "bridge:8001",
    "127.0.0.1:9093": "alertmanager:9093",
    "127.0.0.1:5001": "notify:5001",
    "localhost:9090": "prometheus:9090",
    "/etc/prometheus/secrets/": "/run/secrets/",
}
"""Prometheus' own address stays: it scrapes itself."""
_RAY: Final = "http://ray-head:8265/api/prometheus/sd"
"""Ray 2.50 and later. `ray-head` is a name that `compose.yaml` gives to the address in `.env`."""
_LINKS: Final = {"grafana_url": "${GRAFANA_URL}", "docs_url": "${DOCS_URL}"}
"""Prometheus 3 puts environment variables into external labels."""


def files() -> dict[str, str]:
    """Return the text of each file by its name."""
    return {
        "prometheus.yml": _text("prometheus/prometheus.yml", prometheus()),
        "alertmanager.yml": _text("prometheus/alertmanager.yml", _moved("prometheus/alertmanager.yml")),
        "datasource.yml": _text("grafana/provisioning/datasources/prometheus.yml", _moved(
            "grafana/provisioning/datasources/prometheus.yml")),
    }  # fmt: skip


def prometheus() -> dict[str, Any]:
    """Return Prometheus' configuration; tokens are in files, which are empty where there is none."""
    config: dict[str, Any] = _moved("prometheus/prometheus.yml")
    config["global"]["external_labels"] |= _LINKS
    jobs = {job["job_name"]: job for job in config["scrape_configs"]}
    bridge = _token("castray_bridge_token")
    for discovery in jobs["cmzsb-monitor"]["http_sd_configs"]:
        discovery["authorization"] = bridge
    jobs["castray-bridge"]["authorization"] = bridge
    del jobs["ray"]["file_sd_configs"]
    jobs["ray"]["http_sd_configs"] = [{"url": _RAY, "authorization": _token("ray_token")}]
    return config


def _token(name: str) -> dict[str, str]:
    # With the type, which Prometheus 2.42 does not add in service discovery.
    return {"type": "Bearer", "credentials_file": f"/run/secrets/{name}"}


def _moved(source: str) -> Any:
    return _replaced(yaml.safe_load((ROOT / source).read_text("utf-8")))


def _replaced(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _replaced(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_replaced(each) for each in value]
    if isinstance(value, str):
        for old, new in _REPLACED.items():
            value = value.replace(old, new)
    return value


class _Dumper(yaml.SafeDumper):
    """Without anchors, which few readers of these files know."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write every value out."""
        return True


def _text(source: str, content: Any) -> str:
    body = yaml.dump(content, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1000)
    return f"# Made from {source} by `make generate`; the reasons are there.\n{body}"


def main(directory: Path) -> None:
    """Write the files into `directory`."""
    for name, text in files().items():
        (directory / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
