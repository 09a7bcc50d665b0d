"""A real Prometheus over a fleet, with the project's rules and a past for them to look at."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import requests

from servicekit.address import Address
from testkit import monitor_scrape, remote_write
from testkit.binaries import advice, find
from testkit.net import free_port
from testkit.prometheus_config import write_unhurried
from testkit.running import RunningProgram

_PAST_SECONDS: Final = 900
_RANGED: Final = (
    "cmzsb_state_seconds", "cmzsb_processed", "cmzsb_low_confidence", "cmzsb_sent", "cmzsb_inference",
    "cmzsb_last_report", "cmzsb_status_stale", "cmzsb_journal_errors",
)  # fmt: skip
"""The beginnings of the names of series of which rules read more than the last sample."""
_NODES_PER_WRITE: Final = 100
_STAY_SECONDS: Final = 5.0


class ScrapingPrometheus(RunningProgram):
    """Scrapes what the bridge at `bridge` lists, each monitor every `scrape_seconds`."""

    def __init__(self, directory: Path, bridge: str, scrape_seconds: float) -> None:
        program = find("prometheus")
        if program is None:
            raise RuntimeError(advice("prometheus"))
        port = free_port()
        self._scrape_seconds = scrape_seconds
        command = [
            program,
            f"--config.file={write_unhurried(directory, bridge, scrape_seconds)}",
            f"--storage.tsdb.path={directory / 'tsdb'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--web.enable-remote-write-receiver",
        ]
        super().__init__(command, port, "/-/ready", directory / "prometheus.log")

    def fill(self, nodes: Mapping[str, Address]) -> None:
        """Write the past quarter of an hour of `nodes`, as the scrapes of their monitors would have."""
        begin = time.time() - _PAST_SECONDS
        ticks = [begin + self._scrape_seconds * n for n in range(int(_PAST_SECONDS / self._scrape_seconds))]
        past = [monitor_scrape.values(at, at, "idle", _in_turn(at - begin), _processed(at - begin)) for at in ticks]
        encoded = {
            key: remote_write.samples([(at, each[key]) for at, each in zip(ticks, past, strict=True)])
            for key in past[0]
        }
        pending: list[bytes] = []
        for number, (node, address) in enumerate(nodes.items(), start=1):
            own = {"node": node, "node_ip": address.host, "instance": str(address), "job": "cmzsb-monitor"}
            for series in monitor_scrape.SERIES:
                if series.name.startswith(_RANGED):
                    labels = {**own, "__name__": series.name, **_labels(series.labels)}
                    pending.append(remote_write.time_series(labels, encoded[series.value]))
            if number % _NODES_PER_WRITE == 0 or number == len(nodes):
                remote_write.write(self.url, pending)
                pending = []

    def scraped(self) -> int:
        """Return the number of monitors whose last scrape was good."""
        return int(self.value('sum(up{job="cmzsb-monitor"})'))

    def value(self, query: str) -> float:
        """Return the value of a query for one number; 0 where there is none."""
        reply = requests.get(f"{self.url}/api/v1/query", {"query": query}, timeout=30).json()
        return float(reply["data"]["result"][0]["value"][1]) if reply["data"]["result"] else 0.0

    def rule_groups(self) -> list[dict[str, Any]]:
        """Return the groups of rules with `evaluationTime`, in seconds, of each group and rule."""
        found: list[dict[str, Any]] = requests.get(f"{self.url}/api/v1/rules", timeout=30).json()["data"]["groups"]
        return found


def _processed(seconds: float) -> int:
    return int(seconds / _STAY_SECONDS)


def _in_turn(seconds: float) -> dict[str, float]:
    """Return how long a node was in each state, when it is in all of them for as long."""
    return dict.fromkeys(monitor_scrape.STATES, seconds / len(monitor_scrape.STATES))


def _labels(text: str) -> dict[str, str]:
    return dict([text.replace('"', "").split("=")]) if text else {}
