"""The Prometheus that the dashboards read: the data source of this project, by its name in Grafana and its id."""

from __future__ import annotations

from typing import Any, Final

UID: Final = "cmzsb-prometheus"
NAME: Final = "Prometheus (CM-ZSB)"
REFERENCE: Final = {"type": "prometheus", "uid": "${datasource}"}
"""What panels read: the data source that the variable chooses."""


def settings(prometheus_url: str) -> dict[str, Any]:
    """Return the data source for the Prometheus at `prometheus_url`, in Grafana's form."""
    return {
        "uid": UID,
        "name": NAME,
        "type": "prometheus",
        "access": "proxy",
        "url": prometheus_url,
        "jsonData": {"timeInterval": "5s"},
    }
