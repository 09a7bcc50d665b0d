"""What a refresh of the Fleet dashboard costs with 200 nodes: bytes to the browser, and Prometheus' time."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator

import pytest

from tests.grafana.backfill import SCRAPE_SECONDS, Recorded, fleet_of, recorded
from tests.grafana.files import Json, load
from tests.grafana.shown import Screen

NODES = 200
HOUR = 3600
FRAME_BYTES = 450
"""What Grafana's reply has about one series beside labels, times and values."""
TIME_BYTES = 14
"""Milliseconds since 1970 and a comma."""
MOST_BYTES, MOST_SECONDS = 1.5e6, 1.0


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    with recorded(tmp_path_factory.mktemp("hour"), HOUR, fleet_of(NODES, HOUR)) as running:
        yield running


def sent(screen: Screen, panel: Json) -> float:
    """Return about how many bytes Grafana sends to the browser for a panel."""
    form = panel["targets"][0]["format"]
    total = 0.0
    for frame in screen.frames(panel, form):
        total += len(json.dumps(frame.labels)) + sum(TIME_BYTES + len(f"{value:.16g},") for _, value in frame.points)
        # A table is one frame for all rows.
        total += 0 if form == "table" else FRAME_BYTES
    return total


def seconds_spent(prometheus: Recorded) -> float:
    """Return the processor time that Prometheus has used: the time on the wall depends on what else is running."""
    with urllib.request.urlopen(f"{prometheus.url}/metrics", timeout=10) as reply:  # noqa: S310 (this test's own Prometheus)
        (found,) = re.findall(r"^process_cpu_seconds_total (\S+)", reply.read().decode(), re.MULTILINE)
    return float(found)


def test_refresh_of_the_fleet_is_small_and_quick(hour: Recorded) -> None:
    screen = Screen(hour.url, hour.end - HOUR, interval="5s", end=hour.end, scrape_seconds=SCRAPE_SECONDS)
    before = seconds_spent(hour)
    costs = {panel["title"]: sent(screen, panel) for panel in load("en", "fleet")["panels"]}
    spent = seconds_spent(hour) - before
    assert costs["Traffic lights"] > NODES * FRAME_BYTES, "all nodes are there"
    assert sum(costs.values()) <= MOST_BYTES
    assert spent <= MOST_SECONDS


def test_chart_of_many_nodes_has_the_ten_highest_the_median_and_the_limit(hour: Recorded) -> None:
    screen = Screen(hour.url, hour.end - HOUR, interval="5s", end=hour.end, scrape_seconds=SCRAPE_SECONDS)
    (sends,) = (panel for panel in load("en", "fleet")["panels"] if panel["title"] == "Sends per minute")
    shown = screen.chart(sends)
    assert {"median of all", "limit"} <= shown.keys()
    assert len(shown) == 12


def test_chart_of_many_nodes_has_every_node_that_is_over_the_limit(hour: Recorded) -> None:
    # With the other limit, which is 2, most nodes are over it at the end of the hour.
    screen = Screen(hour.url, hour.end - HOUR, interval="5s", end=hour.end, scrape_seconds=SCRAPE_SECONDS)
    (sends,) = (panel for panel in load("en", "fleet")["panels"] if panel["title"] == "Sends per minute")
    limited = json.loads(
        json.dumps(sends).replace("cmzsb:sends_per_minute:threshold", "cmzsb:inference_p95_seconds:threshold")
    )
    everything = screen.query("60 * node:cmzsb_sent_to_server:rate5m > 2", 15, over_time=False)
    over = {row["metric"]["node"] for row in everything}
    assert len(over) > 50
    assert over <= screen.chart(limited).keys()
