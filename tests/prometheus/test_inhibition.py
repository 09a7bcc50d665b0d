"""What one alert keeps a real Alertmanager from telling of another, and what waits for the morning."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import yaml

from testkit.binaries import require
from testkit.net import free_port, wait_for
from testkit.process import Process
from testkit.webhook import Webhook
from tests.prometheus.promql import ROOT, alerts

ALERTS = alerts()
OF_NODES = {name for name, alert in ALERTS.items() if alert["labels"]["scope"] == "node"}
DOWN, LOST = "CmzsbMonitorDown", "CmzsbNodeLost"
NEVER, ALWAYS = ("00:00", "00:01"), ("00:00", "24:00")


class Alertmanager:
    """A running Alertmanager."""

    def __init__(self, address: str) -> None:
        self._url = f"http://{address}/api/v2/alerts"

    def is_ready(self) -> bool:
        return requests.get(self._url, timeout=5).ok

    def fire(self, names: set[str], node: str = "") -> None:
        found = [{"labels": {"alertname": name, **ALERTS[name]["labels"], "node": node}} for name in sorted(names)]
        requests.post(self._url, json=found, timeout=5).raise_for_status()

    def silenced_by(self, source: str, node: str = "") -> set[tuple[str, str]]:
        """Return name and node of the alerts that are not told because `source` fires (on `node`)."""
        rows = {
            (row["labels"]["alertname"], row["labels"].get("node", "")): row
            for row in requests.get(self._url, timeout=5).json()
        }
        fingerprint = rows[source, node]["fingerprint"]
        return {alert for alert, row in rows.items() if fingerprint in row["status"]["inhibitedBy"]}


@contextmanager
def running(directory: Path, webhook: str, night: tuple[str, str]) -> Iterator[Alertmanager]:
    """Run the project's own routes and inhibition; everything is told to `webhook`, the night is another one."""
    config = yaml.safe_load((ROOT / "prometheus/alertmanager.yml").read_text("utf-8"))
    config["receivers"] = [
        {"name": receiver["name"], "webhook_configs": [{"url": webhook}]} for receiver in config["receivers"]
    ]
    for route in (config["route"], *config["route"]["routes"]):
        route |= {"group_wait": "1s", "group_interval": "1s"}
    start, end = night
    config["time_intervals"][0]["time_intervals"] = [{"times": [{"start_time": start, "end_time": end}]}]
    (directory / "alertmanager.yml").write_text(yaml.safe_dump(config), "utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [require("alertmanager"), f"--config.file={directory / 'alertmanager.yml'}", "--cluster.listen-address="]
    command += [f"--web.listen-address={address}", f"--storage.path={directory / 'data'}"]
    with Process(command, directory / "log"):
        alertmanager = Alertmanager(address)
        wait_for(alertmanager.is_ready, "Alertmanager", 20)
        yield alertmanager


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    with Webhook() as webhook, running(tmp_path, webhook.url, NEVER) as started:
        yield started


def test_a_lost_node_explains_all_else_about_it_and_a_monitor_that_is_down_all_but_the_loss(
    alertmanager: Alertmanager,
) -> None:
    alertmanager.fire(OF_NODES, "M1")
    alertmanager.fire(OF_NODES - {LOST}, "M2")
    alertmanager.fire(OF_NODES - {LOST, DOWN}, "M3")
    alertmanager.fire({LOST, DOWN}, "M4")
    expected = {(name, "M1") for name in OF_NODES - {LOST}}
    wait_for(lambda: alertmanager.silenced_by(LOST, "M1") == expected, "what the loss of M1 silences", 10)
    expected = {(name, "M2") for name in OF_NODES - {LOST, DOWN}}
    wait_for(lambda: alertmanager.silenced_by(DOWN, "M2") == expected, "what M2's monitor silences", 10)
    assert alertmanager.silenced_by(DOWN, "M4") == set()


@pytest.mark.parametrize(
    ("source", "silenced"),
    [
        ("CmzsbAllMonitorsAbsent", {DOWN, LOST}),
        ("CmzsbSendingStorm", {"CmzsbSendingTooOften", "CmzsbSendRatioOutlier"}),
    ],
)
def test_what_is_wrong_everywhere_is_not_told_node_by_node(
    alertmanager: Alertmanager, source: str, silenced: set[str]
) -> None:
    alertmanager.fire({source})
    # Without those that silence by themselves, unless it is they that are to be silenced.
    alertmanager.fire(OF_NODES - {DOWN, LOST} | silenced, "M1")
    alertmanager.fire(ALERTS.keys() - OF_NODES)
    expected = {(name, "M1") for name in silenced}
    wait_for(lambda: alertmanager.silenced_by(source) == expected, f"what {source} silences", 10)


@pytest.mark.parametrize(
    ("night", "told"), [(ALWAYS, {"CmzsbNodeLost"}), (NEVER, {"CmzsbNodeLost", "CmzsbVersionsDiffer"})]
)
def test_what_can_wait_is_not_told_at_night(tmp_path: Path, night: tuple[str, str], told: set[str]) -> None:
    with Webhook() as webhook, running(tmp_path, webhook.url, night) as alertmanager:
        alertmanager.fire({"CmzsbVersionsDiffer"})
        # Both groups wait for the same second: the later one being told, the earlier one would have been.
        alertmanager.fire({"CmzsbNodeLost"}, "M1")
        wait_for(lambda: ("CmzsbNodeLost", "M1") in webhook.told("firing"), "the message", 20)
        wait_for(lambda: {name for name, _ in webhook.told("firing")} == told, "all messages", 5)
