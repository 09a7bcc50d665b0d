"""The reply to the query, from JSON to work statuses."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from castray_bridge.probes.prometheus_query import QUERY, Scrapes, decode
from castray_bridge.probes.status import NodeStatus
from castray_bridge.sources.cluster import SourceError
from servicekit.address import Address
from servicekit.clock import rfc3339
from testkit import remote_write
from testkit.binaries import require
from testkit.monitor_scrape import STATES
from testkit.net import free_port
from testkit.prometheus_replies import ADDRESS, NOW, monitor, reply
from testkit.running import RunningProgram


def scrapes(body: Any) -> Scrapes:
    return Scrapes(decode(json.dumps(body).encode()))


def test_all_that_prometheus_knows_of_a_node_is_read() -> None:
    scraped = scrapes(reply(*monitor("sending"))).at(ADDRESS)
    assert scraped is not None
    assert scraped.status == NodeStatus("sending", timestamp="2027-01-15T07:59:00.000+00:00", processed=7)


def test_of_two_scrapers_the_latest_counts() -> None:
    old, new = monitor("idle", at=NOW - 9, replica="a"), monitor("detecting", at=NOW - 1, replica="b")
    for series in ([*old, *new], [*new, *old]):
        scraped = scrapes(reply(*series)).at(ADDRESS)
        assert scraped is not None
        assert (scraped.status.state, scraped.age) == ("detecting", 1.0)


def test_targets_with_names_are_found_by_their_ip() -> None:
    assert scrapes(reply(*monitor("idle", instance="m1.campus:8000"))).at(ADDRESS) is not None
    assert scrapes(reply(*monitor("idle", instance="m1.campus:8000", node_ip="10.0.0.2"))).at(ADDRESS) is None


@pytest.mark.parametrize(
    "series", [monitor("idle")[:-1], monitor("exploding"), monitor("unknown"), monitor("idle")[1:], []]
)
def test_what_is_incomplete_or_of_no_known_state_is_no_status(series: list[tuple[dict[str, str], str]]) -> None:
    assert scrapes(reply(*series)).at(ADDRESS) is None


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "1e300"])
def test_odd_numbers_do_no_harm(value: str) -> None:
    series = [(labels, value if "age" in labels.get("__name__", "") else text) for labels, text in monitor("idle")]
    for odd in (reply(*monitor("idle", processed=value)), reply(*series)):
        scraped = scrapes(odd).at(ADDRESS)
        assert scraped is not None
        assert scraped.status.state == "idle"


@pytest.mark.parametrize(
    "body",
    [
        None, [], {}, {"status": "error", "error": "boom"}, {"status": "success"},
        {"status": "success", "data": {"result": [{"metric": {}}]}},
        {"status": "success", "data": {"result": [{"metric": {}, "value": ["x", None]}]}},
        {"status": "success", "data": {"result": 7}},
        {"status": "success", "data": {"result": [{"metric": {"a": []}, "value": [1, "1"]}]}},
        {"status": "success", "data": {"result": [{"metric": {"__name__": "x"}, "value": [1, "one"]}]}},
    ],
)  # fmt: skip
def test_what_is_no_query_result_is_refused(body: Any) -> None:
    with pytest.raises(SourceError, match="Prometheus"):
        scrapes(body)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"status": "success"', b'{"status": NaN}', b"\xff"])
def test_what_is_not_json_is_no_reply(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(body)


def test_time_of_a_scrape_that_is_no_time_is_no_status() -> None:
    *rest, (labels, _) = monitor("idle")
    assert scrapes(reply(*rest, (labels, "NaN"))).at(ADDRESS) is None


def test_error_of_prometheus_is_told() -> None:
    with pytest.raises(SourceError, match=r"refuses the query: too many samples in one query$"):
        scrapes({"status": "error", "errorType": "execution", "error": "too many samples in one query"})


def test_real_prometheus_gives_totals_over_all_runs_and_else_those_since_the_start(tmp_path: Path) -> None:
    config = tmp_path / "prometheus.yml"
    config.write_text("scrape_configs: []", "utf-8")
    port, at = free_port(), time.time() - 7
    command = [
        require("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
    ]  # fmt: skip
    counts = ("processed", 6), ("low_confidence", 4), ("sent_to_server", 2)
    written: list[tuple[dict[str, str], float]]
    written = [({"__name__": "cmzsb_work_status", "state": state}, state == "sending") for state in STATES]
    written += [
        ({"__name__": name}, value) for name, value in (("cmzsb_status_stale", 1), ("cmzsb_state_age_seconds", 9))
    ]
    old = [*written, *(({"__name__": f"cmzsb_{name}_total"}, value) for name, value in counts)]
    new = [*old, *(({"__name__": f"cmzsb_lifetime_{name}"}, 100 + value) for name, value in counts)]
    with RunningProgram(command, port, "/-/ready", tmp_path / "prometheus.log") as prometheus:
        for host, series in (("10.0.0.1", old), ("10.0.0.2", new)):
            labels = {"instance": f"{host}:8000", "node_ip": host, "node": "M1"}
            sample = [
                remote_write.time_series(labels | own, remote_write.samples([(at, value)])) for own, value in series
            ]
            remote_write.write(prometheus.url, sample)
        body = requests.get(f"{prometheus.url}/api/v1/query", {"query": QUERY}, timeout=5).content
    found = Scrapes(decode(body))
    for host, more in (("10.0.0.1", 0), ("10.0.0.2", 100)):
        scraped = found.at(Address(host, 8000))
        assert scraped is not None
        assert scraped.at == pytest.approx(at, abs=0.01)
        assert scraped.status == NodeStatus(
            "sending", timestamp=rfc3339(round(at - 9)), stale=True,
            processed=more + 6, low_confidence=more + 4, sent_to_server=more + 2,
        )  # fmt: skip
