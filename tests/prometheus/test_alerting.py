"""From a metric to the operator: real scrapes, rules, inhibition and messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.e2e.webhook import Webhook
from tests.prometheus.fleet import FakeFleet, Watch, watched
from tests.support.net import wait_for

TOO_OFTEN, DOWN, LOST = "CmzsbSendingTooOften", "CmzsbMonitorDown", "CmzsbNodeLost"


class Site(NamedTuple):
    """A fleet and those who watch over it."""

    fleet: FakeFleet
    watch: Watch
    webhook: Webhook


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    with (
        Webhook() as webhook,
        FakeFleet("M1", "M2", "M3", "M4", "M5") as fleet,
        watched(fleet, directory, webhook.url) as watch,
    ):
        wait_for(lambda: len(watch.query("node:cmzsb_sent_to_server:rate5m")) == 5, "rates of all nodes", 20)
        yield Site(fleet, watch, webhook)


def told(site: Site, status: str, alert: str, node: str) -> None:
    wait_for(lambda: (alert, node) in site.webhook.told(status), f"{alert} {node} {status}", 40)


def test_a_node_that_is_down_is_told_once_and_what_else_it_does_is_not(site: Site) -> None:
    for name in ("M1", "M2"):
        site.fleet.nodes[name].sent = 1000
    wait_for(lambda: len(site.watch.query("node:cmzsb_sent_to_server:rate5m > 1")) == 2, "the burst", 20)
    site.fleet.nodes["M2"].answers = False
    told(site, "firing", DOWN, "M2")
    told(site, "firing", TOO_OFTEN, "M1")
    wait_for(lambda: (TOO_OFTEN, "M2") in site.watch.silenced(), "M2's sending silenced", 20)
    assert (TOO_OFTEN, "M2") not in site.webhook.told("firing")


def test_it_is_told_that_a_node_is_back_and_what_it_does(site: Site) -> None:
    site.fleet.nodes["M2"].answers = True
    told(site, "resolved", DOWN, "M2")
    told(site, "firing", TOO_OFTEN, "M2")
    about_m2 = [
        (alert["labels"]["alertname"], alert["status"])
        for message in site.webhook.messages
        for alert in message["alerts"]
        if alert["labels"].get("node") == "M2"
    ]
    # Which of the two comes first after that is up to Alertmanager: each kind of alert has its own rhythm.
    assert about_m2[0] == (DOWN, "firing")
    assert set(about_m2) == {(DOWN, "firing"), (DOWN, "resolved"), (TOO_OFTEN, "firing")}


def test_a_lost_node_explains_that_its_monitor_is_down(site: Site) -> None:
    site.fleet.nodes["M3"].answers = False
    told(site, "firing", DOWN, "M3")
    site.fleet.nodes["M3"].present = False
    told(site, "firing", LOST, "M3")
    wait_for(lambda: (DOWN, "M3") in site.watch.silenced(), "M3's monitor silenced", 20)
    site.fleet.nodes["M3"].answers = site.fleet.nodes["M3"].present = True


def test_a_storm_silences_its_nodes(site: Site) -> None:
    for name in ("M4", "M5"):
        site.fleet.nodes[name].sent = 1000
    told(site, "firing", "CmzsbSendingStorm", "")
    wait_for(lambda: {(TOO_OFTEN, "M4"), (TOO_OFTEN, "M5")} <= site.watch.silenced(), "the storm's nodes silenced", 20)
    assert not {(TOO_OFTEN, "M4"), (TOO_OFTEN, "M5")} & site.webhook.told("firing")


def test_targets_stay_while_service_discovery_is_out_of_order(site: Site) -> None:
    def failures() -> float:
        rows = site.watch.query("sum(prometheus_sd_http_failures_total)")
        return float(rows[0]["value"][1]) if rows else 0.0

    before = failures()
    site.fleet.discovery_status = 503
    wait_for(lambda: failures() > before + 1, "failed service discovery", 30)
    assert site.watch.targets() == set(site.fleet.nodes)


def test_messages_have_whole_texts_and_links(site: Site) -> None:
    alerts = [alert for message in site.webhook.messages for alert in message["alerts"]]
    assert alerts
    for alert in alerts:
        notes = alert["annotations"]
        assert not any("<error" in text or "<no value>" in text for text in notes.values()), notes
        assert notes["runbook_url"].startswith("https://cmzsb.example/docs/runbooks.md#")
        assert notes["dashboard_url"].startswith("http://localhost:3000/d/cmzsb-")
        assert not {"grafana_url", "docs_url"} & alert["labels"].keys()


def test_every_rule_is_evaluated_without_an_error(site: Site) -> None:
    assert [rule["lastError"] for rule in site.watch.rules() if rule["health"] != "ok"] == []
