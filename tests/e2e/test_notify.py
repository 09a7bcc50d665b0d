"""From a script's report to the group chats: real monitor, bridge, Prometheus, Alertmanager and cmzsb-notify."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from flask import Flask, Response

from exporter.reporter import StatusReporter
from testkit.binaries import require
from testkit.fake_chats import Chat, FakeChats, login_page
from testkit.fake_ray import FakeRay, RayNode
from testkit.net import free_port, wait_for
from testkit.process import Process
from testkit.prometheus_config import Addresses, write_alertmanager, write_prometheus
from testkit.running import RunningBridge, RunningMonitor, RunningNotify
from testkit.web import WebServer

pytestmark = pytest.mark.timeout(240)


class Site(NamedTuple):
    """Everything between a script and its operators."""

    monitor: RunningMonitor
    chats: FakeChats
    notify: RunningNotify
    prometheus: str
    pings: list[str]

    def firing(self, query: str) -> list[dict[str, dict[str, str]]]:
        reply = requests.get(f"http://{self.prometheus}/api/v1/query", params={"query": query}, timeout=5).json()
        result: list[dict[str, dict[str, str]]] = reply["data"]["result"]
        return result


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory: Path = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        chats = stack.enter_context(FakeChats())
        pings: list[str] = []
        switch = Flask("switch")
        switch.add_url_rule("/ping", "ping", lambda: (pings.append("ping"), Response(status=200))[1])
        switch_server = stack.enter_context(WebServer(switch))
        monitor = stack.enter_context(RunningMonitor(directory, node="M5"))
        ray = stack.enter_context(FakeRay(RayNode("M5", "127.0.0.1")))
        port = monitor.address.partition(":")[2]
        bridge = stack.enter_context(
            RunningBridge(directory, "--ray-dashboard", ray.url.rstrip("/"), "--monitor-port", port)
        )
        lines = (f"all zh {chats.wecom_url}", f"all en {chats.dingtalk_url}", f"critical,warning zh {chats.feishu_url}")
        addresses = "\n".join([*lines, f"watchdog {switch_server.url}ping"])
        notify = stack.enter_context(RunningNotify(directory, addresses))
        prometheus, alertmanager = (f"127.0.0.1:{free_port()}" for _ in range(2))
        listens = Addresses(bridge.address, prometheus, alertmanager, notify.address)
        config = write_prometheus(directory, listens, directory / "no-ray.json")
        command = [require("alertmanager"), f"--web.listen-address={alertmanager}", "--cluster.listen-address="]
        command += [f"--config.file={write_alertmanager(directory, f'{notify.url}/alerts')}"]
        command += [f"--storage.path={directory / 'alertmanager'}", f"--web.external-url=http://{alertmanager}"]
        stack.enter_context(Process(command, directory / "alertmanager.log"))
        # Before Prometheus, which forgets what it cannot hand over until it tells all alerts anew.
        wait_for(lambda: requests.get(f"http://{alertmanager}/-/ready", timeout=5).ok, "Alertmanager", 20)
        command = [require("prometheus"), f"--web.listen-address={prometheus}", f"--config.file={config}"]
        command += [f"--storage.tsdb.path={directory / 'tsdb'}", "--rules.alert.resend-delay=5s"]
        stack.enter_context(Process(command, directory / "prometheus.log"))
        yield Site(monitor, chats, notify, prometheus, pings)


def about(chat: Chat, *words: str) -> list[str]:
    """Return the messages whose first line has all of `words`."""
    return [text for text in tuple(chat.messages) if all(word in text.splitlines()[0] for word in words)]


def test_node_that_sends_too_often_is_told_in_every_group_once_although_one_refuses_at_first(site: Site) -> None:
    chats = site.chats
    chats.wecom.answer = login_page
    with StatusReporter(site.monitor.url) as reporter:

        def send_until_told() -> list[str]:
            reporter.report("sending", "unsure")
            return about(chats.dingtalk, "Sends too often: M5")

        wait_for(send_until_told, "DingTalk's message", 60)
    wait_for(lambda: about(chats.feishu, "发送过于频繁：M5"), "Feishu's message", 20)
    wait_for(
        lambda: site.notify.metric("cmzsb_notify_failed_total", service="wecombot", reason="bad_reply") > 1, "repeats"
    )
    assert about(chats.wecom, "") == []
    chats.wecom.answer = None
    wait_for(lambda: about(chats.wecom, "发送过于频繁：M5"), "WeCom's message", 60)
    wait_for(lambda: site.notify.get("/api/health").status_code == 200, "good health", 30)
    (message,) = about(chats.wecom, "发送过于频繁：M5")
    assert "阈值为 10 次" in message
    assert "处理办法：https://cmzsb.example/docs/runbooks.md#cmzsbsendingtoooften" in message
    assert "/#/silences/new?filter=%7Balertname%3D%22CmzsbSendingTooOften%22%2Cnode%3D%22M5%22%7D" in message
    for chat, words in ((chats.dingtalk, "Sends too often"), (chats.feishu, "发送过于频繁")):
        assert len(about(chat, words)) == 1
    assert chats.mentions == []


def test_monitor_that_stops_and_comes_back_is_told_with_its_end(site: Site) -> None:
    """It is the only one: that none answers silences the alert on the single monitor."""
    site.monitor.process.kill()
    for chat in (site.chats.wecom, site.chats.feishu):
        wait_for(lambda chat=chat: about(chat, "严重", "所有监控服务均无响应"), "the alert", 60)
    # Alertmanager tells no end of what it could not tell: the message must have been taken everywhere.
    wait_for(lambda: about(site.chats.dingtalk, "critical", "No monitor answers at all"), "the alert in English", 60)
    wait_for(lambda: site.notify.get("/api/health").status_code == 200, "good health", 30)
    site.monitor.start()
    wait_for(lambda: about(site.chats.feishu, "已恢复", "所有监控服务均无响应"), "the all-clear", 90)
    (message,) = about(site.chats.feishu, "已恢复", "所有监控服务均无响应")
    assert "持续" in message


def test_watchdog_pings_the_switch_and_is_told_to_nobody(site: Site) -> None:
    wait_for(lambda: len(site.pings) > 1, "a second ping", 60)
    assert about(site.chats.wecom, "Alerting works") == about(site.chats.dingtalk, "Alerting works") == []


def test_service_that_refuses_is_an_alert_of_its_own(site: Site) -> None:
    rows = wait_for(
        lambda: site.firing('ALERTS{alertname="CmzsbNotificationsFailing", alertstate="firing", service="wecombot"}'),
        "the alert on failed notifications", 60,
    )  # fmt: skip
    assert rows[0]["metric"]["severity"] == "warning"
    wait_for(lambda: about(site.chats.dingtalk, "Alerts are not delivered"), "its message", 60)
