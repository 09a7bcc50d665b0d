"""The Monitoring health dashboard: whether the lights can be trusted."""

from __future__ import annotations

from grafanalib.core import Dashboard, Panel

from grafana import queries
from grafana.dashboard import Row, build, cell_link, datasource_variable, saying
from grafana.panel_types import stat, timeseries
from grafana.panels import PanelText, Query, absolute_thresholds, override
from grafana.tables import listing
from grafana.thresholds import GREEN, GREY, ORANGE, RED


def dashboard(lang: str) -> Dashboard:
    """Return the dashboard in `lang`."""
    say = saying(lang)
    rows = [
        Row(5, [(_snapshot(lang), 6), (_ray(lang), 6), (_stale_count(lang), 6), (_clients(lang), 6)]),
        Row(8, [(_unreachable(lang), 6), (_lost(lang), 6), (_stale(lang), 6), (_versions(lang), 6)]),
        Row(8, [(_probes(lang), 12), (_probe_seconds(lang), 12)]),
        Row(8, [(_scrapes(lang), 12), (_failures(lang), 12)]),
        Row(8, [(_reports(lang), 12), (_journal(lang), 12)]),
    ]
    return build(
        "health",
        lang,
        say("Whether the lights can be trusted.", "指示灯是否可信。"),
        [datasource_variable(say)],
        rows,
    )


def _snapshot(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Age of the bridge's news", "桥接数据年龄"),
        say("Red: restart castray-bridge and read its log.", "变红：重启 castray-bridge 并查看日志。"),
        "s",
    )
    return stat(head, queries.SNAPSHOT_AGE, lang, {"decimals": 1}, limit=queries.SNAPSHOT_THRESHOLD)


def _ray(lang: str) -> Panel:
    say = saying(lang)
    up = {
        "type": "value",
        "options": {
            "-1": {"index": 2, "text": say("bridge is down", "桥接无响应"), "color": GREY},
            "0": {"index": 0, "text": say("no answer", "无响应"), "color": RED},
            "1": {"index": 1, "text": say("answers", "正常"), "color": GREEN},
        },
    }
    head = PanelText(
        "Ray",
        say(
            "No answer: the node list is an old one; check the head node's dashboard. Bridge is down: restart it.",
            "无响应时节点列表为旧数据：请检查头节点的 Ray 看板。桥接无响应：请重启 castray-bridge。",
        ),
    )
    return stat(head, queries.RAY_UP, lang, {"mappings": [up]})


def _stale_count(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Nodes without reports", "无上报节点数"),
        say("Not 0: see the list of silent scripts below.", "非 0：见下方脚本无上报的节点列表。"),
        "short",
    )
    return stat(head, queries.STALE_COUNT, lang, {"thresholds": absolute_thresholds((GREEN, 0), (ORANGE, 1))})


def _clients(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Open web dashboards", "网页连接数"),
        say(
            "0 although a page is open: it shows old data. Reload it, and check that it reaches port 8001.",
            "页面已打开却为 0：该页面显示的是旧数据，请刷新并检查能否访问 8001 端口。",
        ),
        "short",
    )
    return stat(head, queries.CLIENTS, lang)


def _list_of_nodes(head: PanelText, expr: str, lang: str) -> Panel:
    say = saying(lang)
    node = say("Node", "节点")
    names = {"node": node, "node_ip": say("Address", "地址")}
    links = [override("byName", node, links=[cell_link(say, lang)])]
    return listing(head, expr, names, links, none=say("None known", "未发现"))


def _unreachable(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Monitors that do not answer the bridge", "桥接无法读取的监控服务"),
        say("Check the service and port 8000 on these nodes.", "请检查这些节点的服务与 8000 端口。"),
    )
    return _list_of_nodes(head, queries.UNREACHABLE, lang)


def _lost(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Nodes missing in Ray", "Ray 中缺失的节点"),
        say(
            "Is the board on, and `ray start` run on it? Strike a board that is gone for good from the inventory. "
            "Listed are those in the inventory or seen within the last hour.",
            "请检查板卡是否开机并已运行 `ray start`；已永久撤下的板卡请从清单中删除。"
            "列出清单中或一小时内出现过的节点。",
        ),
    )
    return _list_of_nodes(head, queries.LOST, lang)


def _stale(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Silent scripts", "脚本无上报的节点"),
        say(
            "Their light is green only for want of news: look whether the inference script runs there.",
            "这些节点仅因无消息而为绿色：请检查其推理脚本是否运行。",
        ),
    )
    return _list_of_nodes(head, queries.STALE, lang)


def _versions(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Versions", "版本"),
        say(
            "More than one version: an upgrade was not finished. The oldest come first: upgrade these.",
            "多于一个版本：升级尚未完成。最旧的在前，请升级这些节点。",
        ),
    )
    version = say("Version", "版本号")
    names = {"node": say("Node", "节点"), "version": version}
    return listing(
        head, queries.VERSIONS, names, none=say("Nothing answers", "均无响应"), sort_by=version, descending=False
    )


def _probes(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Questions of the bridge by result", "桥接询问结果"),
        say(
            "timeout: host off or frozen; refused: host up, monitor not running.",
            "timeout 为主机关机或卡死；refused 为主机在线但监控未运行。",
        ),
        "ops",
    )
    return timeseries(head, [Query(queries.PROBES, "{{result}}")])


def _probe_seconds(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Duration of questions (p95)", "询问耗时（p95）"),
        say("Near one second: nodes hang or the network is overloaded.", "接近一秒：节点卡死或网络拥塞。"),
        "s",
    )
    return timeseries(head, [Query(queries.PROBE_QUANTILE, "p95")])


def _scrapes(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Slowest scrape per job", "最慢抓取耗时"),
        say(
            "A flat top is the time after which Prometheus gives up: see which target is down, and its network.",
            "曲线平顶即 Prometheus 放弃抓取的时限：请检查无响应的目标及其网络。",
        ),
        "s",
    )
    return timeseries(head, [Query(queries.SCRAPE_SECONDS, "{{job}}")])


def _failures(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Targets down per job", "抓取失败目标数"),
        say(
            "Not the same as the bridge's list: Prometheus is behind another firewall.",
            "与桥接列表不一致时：Prometheus 处于不同的防火墙之后。",
        ),
        "short",
    )
    return timeseries(head, [Query(queries.SCRAPE_FAILURES, "{{job}}")])


def _reports(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Reports per second", "每秒上报数"),
        say(
            "Rejected ones: a script sends something wrong; the monitor's log says what.",
            "rejected：脚本上报有误，详见监控服务日志。",
        ),
        "ops",
    )
    return timeseries(head, [Query(queries.REPORTS, "{{result}}")])


def _journal(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Journal errors", "记录写入错误"),
        say("Free disk space on these nodes, or replace their storage card.", "请清理这些节点的磁盘空间或更换存储卡。"),
        "short",
    )
    return timeseries(
        head, [Query(queries.JOURNAL_ERRORS)], many=True, defaults={"noValue": say("None", "无")}, interval="1m"
    )
