"""From a metric to the operator: real scrapes, rules, inhibition and messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from testkit.net import wait_for
from testkit.webhook import Webhook
from tests.prometheus.fleet import FakeFleet, Watch, watched

TOO_OFTEN, UNSURE = "CmzsbSendingTooOften", "CmzsbLowConfidenceHigh"
DOWN, LOST, ABSENT = "CmzsbMonitorDown", "CmzsbNodeLost", "CmzsbAllMonitorsAbsent"


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


def about(site: Site, node: str) -> list[tuple[str, str]]:
    """Return alert and status of everything that was told about `node`, in order."""
    return [
        (alert["labels"]["alertname"], alert["status"])
        for message in tuple(site.webhook.messages)
        for alert in message["alerts"]
        if alert["labels"].get("node") == node
    ]


def test_a_node_that_is_down_is_told_once_and_what_else_it_did_is_not(site: Site) -> None:
    site.fleet.nodes["M1"].sent = 1000
    site.fleet.nodes["M2"].unsure = 1000
    wait_for(lambda: site.watch.query(f'ALERTS{{alertname="{UNSURE}", node="M2"}}'), "M2's doubts", 20)
    site.fleet.nodes["M2"].answers = False
    told(site, "firing", DOWN, "M2")
    told(site, "firing", TOO_OFTEN, "M1")
    wait_for(lambda: (UNSURE, "M2") in site.watch.silenced(), "M2's doubts silenced", 50)
    assert about(site, "M2") == [(DOWN, "firing")]


def test_it_is_told_that_a_node_is_back_and_what_it_does(site: Site) -> None:
    site.fleet.nodes["M2"].answers = True
    told(site, "resolved", DOWN, "M2")
    told(site, "firing", UNSURE, "M2")
    # Which of the two comes first after that is up to Alertmanager: each kind of alert has its own rhythm.
    assert about(site, "M2")[0] == (DOWN, "firing")
    assert set(about(site, "M2")) == {(DOWN, "firing"), (DOWN, "resolved"), (UNSURE, "firing")}


def test_a_lost_node_is_told_as_lost_and_not_also_as_down(site: Site) -> None:
    site.fleet.nodes["M3"].answers = site.fleet.nodes["M3"].present = False
    told(site, "firing", LOST, "M3")
    wait_for(lambda: (DOWN, "M3") in site.watch.silenced(), "M3's monitor silenced", 20)
    assert set(about(site, "M3")) == {(LOST, "firing")}
    site.fleet.nodes["M3"].answers = site.fleet.nodes["M3"].present = True


def test_a_storm_silences_its_nodes(site: Site) -> None:
    for name in ("M4", "M5"):
        site.fleet.nodes[name].sent = 1000
    told(site, "firing", "CmzsbSendingStorm", "")
    wait_for(lambda: {(TOO_OFTEN, "M4"), (TOO_OFTEN, "M5")} <= site.watch.silenced(), "the storm's nodes silenced", 20)
    assert not {(TOO_OFTEN, "M4"), (TOO_OFTEN, "M5")} & site.webhook.told("firing")


def test_when_no_monitor_answers_only_that_is_told(site: Site) -> None:
    before = len(site.webhook.messages)
    for node in site.fleet.nodes.values():
        node.answers = False
    told(site, "firing", ABSENT, "")
    everyone = {(DOWN, name) for name in site.fleet.nodes}
    wait_for(lambda: everyone <= site.watch.silenced(), "the single monitors silenced", 20)
    alerts = [alert for message in site.webhook.messages[before:] for alert in message["alerts"]]
    assert not [alert for alert in alerts if alert["labels"]["alertname"] == DOWN]
    for node in site.fleet.nodes.values():
        node.answers = True


def test_targets_stay_while_service_discovery_is_out_of_order(site: Site) -> None:
    def failures() -> float:
        rows = site.watch.query("sum(prometheus_sd_http_failures_total)")
        return float(rows[0]["value"][1]) if rows else 0.0

    before = failures()
    site.fleet.discovery_status = 503
    wait_for(lambda: failures() > before + 1, "failed service discovery", 30)
    assert site.watch.targets() == set(site.fleet.nodes)


def test_messages_have_whole_texts_and_links(site: Site) -> None:
    site.fleet.nodes["M1"].sent += 1000
    told(site, "firing", TOO_OFTEN, "M1")
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
