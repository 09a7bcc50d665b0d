"""The reply to the query, from JSON to work statuses."""

from __future__ import annotations

import json
from typing import Any

import pytest

from castray_bridge.probes.prometheus_query import Scrapes, decode
from castray_bridge.probes.status import NodeStatus
from castray_bridge.sources.cluster import SourceError
from testkit.prometheus_replies import ADDRESS, NOW, monitor, reply


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
