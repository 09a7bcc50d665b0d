"""The Monitoring health dashboard: whether the lights can be trusted."""

from __future__ import annotations

from grafanalib.core import Dashboard, Panel

from grafana import queries
from grafana.dashboard import Row, build, datasource_variable, saying
from grafana.limits import GREEN, ORANGE, RED
from grafana.panels import Head, Query, bars, curves, number, steps
from grafana.tables import listing


def dashboard(lang: str) -> Dashboard:
    """Return the dashboard in `lang`."""
    say = saying(lang)
    rows = [
        Row(5, [(_snapshot(lang), 6), (_ray(lang), 6), (_stale(lang), 6), (_clients(lang), 6)]),
        Row(8, [(_unreachable(lang), 8), (_lost(lang), 8), (_versions(lang), 8)]),
        Row(8, [(_probes(lang), 12), (_probe_seconds(lang), 12)]),
        Row(8, [(_scrapes(lang), 12), (_failures(lang), 12)]),
        Row(8, [(_reports(lang), 12), (_journal(lang), 12)]),
    ]
    return build(
        "health",
        lang,
        say("Monitoring health", "监控健康"),
        say("Whether the lights can be trusted.", "指示灯是否可信。"),
        [datasource_variable(say)],
        rows,
    )


def _snapshot(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Age of the bridge's news", "桥接数据年龄"),
        say("Red: restart castray-bridge and read its log.", "变红：重启 castray-bridge 并查看日志。"),
        "s",
    )
    return number(head, queries.SNAPSHOT_AGE, {"decimals": 1}, limit=queries.SNAPSHOT_THRESHOLD)


def _ray(lang: str) -> Panel:
    say = saying(lang)
    up = {
        "type": "value",
        "options": {
            "0": {"index": 0, "text": say("no answer", "无响应"), "color": RED},
            "1": {"index": 1, "text": say("answers", "正常"), "color": GREEN},
        },
    }
    head = Head(
        "Ray",
        say(
            "No answer: the node list is an old one; check the head node's dashboard.",
            "无响应时节点列表为旧数据：请检查头节点的 Ray 看板。",
        ),
    )
    return number(head, queries.RAY_UP, {"mappings": [up]})


def _stale(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Nodes without reports", "无上报节点数"),
        say(
            "Their light is green only for want of news: look whether the script runs.",
            "这些节点仅因无消息而为绿色：请检查脚本是否运行。",
        ),
        "short",
    )
    return number(head, queries.STALE, {"thresholds": steps((GREEN, None), (ORANGE, 1))})


def _clients(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Open web dashboards", "网页连接数"),
        say("WebSocket clients of the bridge.", "桥接服务的 WebSocket 客户端数。"),
        "short",
    )
    return number(head, queries.CLIENTS)


def _list_of_nodes(head: Head, expr: str, lang: str) -> Panel:
    say = saying(lang)
    names = {"node": say("Node", "节点"), "node_ip": say("Address", "地址")}
    return listing(head, expr, names, none=say("None", "无"))


def _unreachable(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Monitors that do not answer the bridge", "桥接无法读取的监控服务"),
        say("Check the service and port 8000 on these nodes.", "请检查这些节点的服务与 8000 端口。"),
    )
    return _list_of_nodes(head, queries.UNREACHABLE, lang)


def _lost(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Nodes missing in Ray", "Ray 中缺失的节点"),
        say("In the inventory or seen within the last hour, but not alive.", "清单中或一小时内出现过，但当前不在线。"),
    )
    return _list_of_nodes(head, queries.LOST, lang)


def _versions(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Monitors per version", "各版本监控服务数"),
        say("More than one bar: an upgrade was not finished.", "多于一条：升级尚未完成。"),
        "short",
    )
    return bars(head, Query(queries.VERSIONS, "{{version}}"), {"thresholds": steps((GREEN, None)), "decimals": 0})


def _probes(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Questions of the bridge by result", "桥接询问结果"),
        say(
            "timeout: host off or frozen; refused: host up, monitor not running.",
            "timeout 为主机关机或卡死；refused 为主机在线但监控未运行。",
        ),
        "ops",
    )
    return curves(head, [Query(queries.PROBES, "{{result}}")])


def _probe_seconds(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Duration of questions (p95)", "询问耗时（p95）"),
        say("Near one second: nodes hang or the network is overloaded.", "接近一秒：节点卡死或网络拥塞。"),
        "s",
    )
    return curves(head, [Query(queries.PROBE_QUANTILE, "p95")])


def _scrapes(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Slowest scrape per job", "最慢抓取耗时"),
        say(
            "A flat top is the time after which Prometheus gives up: see which target is down, and its network.",
            "曲线平顶即 Prometheus 放弃抓取的时限：请检查无响应的目标及其网络。",
        ),
        "s",
    )
    return curves(head, [Query(queries.SCRAPE_SECONDS, "{{job}}")])


def _failures(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Targets down per job", "抓取失败目标数"),
        say(
            "Not the same as the bridge's list: Prometheus is behind another firewall.",
            "与桥接列表不一致时：Prometheus 处于不同的防火墙之后。",
        ),
        "short",
    )
    return curves(head, [Query(queries.SCRAPE_FAILURES, "{{job}}")])


def _reports(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Reports per second", "每秒上报数"),
        say(
            "Rejected ones: a script sends something wrong; the monitor's log says what.",
            "rejected：脚本上报有误，详见监控服务日志。",
        ),
        "ops",
    )
    return curves(head, [Query(queries.REPORTS, "{{result}}")])


def _journal(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Journal errors", "记录写入错误"),
        say("Free disk space on these nodes, or replace their storage card.", "请清理这些节点的磁盘空间或更换存储卡。"),
        "short",
    )
    return curves(
        head, [Query(queries.JOURNAL_ERRORS)], many=True, defaults={"noValue": say("None", "无")}, interval="1m"
    )
