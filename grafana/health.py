"""The Monitoring health dashboard: whether the lights can be trusted."""

from __future__ import annotations

from typing import Final

from grafana import queries
from grafana.dashboard import LINK_OF_CELL, Dashboard, Row, datasource_variable
from grafana.panel_types import stat, timeseries
from grafana.panels import Panel, PanelText, Query, absolute_thresholds, override
from grafana.tables import listing
from grafana.texts import ADDRESS, NODE, Text
from grafana.thresholds import GREEN, GREY, ORANGE, RED

_BRIDGE_AGE: Final = stat(
    PanelText(
        Text("Age of the bridge's data", "桥接数据年龄"),
        Text("Red: restart castray-bridge and read its log.", "变红：重启 castray-bridge 并查看日志。"),
        "s",
    ),
    queries.SNAPSHOT_AGE,
    {"decimals": 1},
    limit=queries.SNAPSHOT_THRESHOLD,
)
_RAY: Final = stat(
    PanelText(
        "Ray",
        Text(
            "No answer: the node list is an old one; check the head node's dashboard. Bridge is down: restart it.",
            "无响应时节点列表为旧数据：请检查头节点的 Ray 看板。桥接无响应：请重启 castray-bridge。",
        ),
    ),
    queries.RAY_UP,
    {
        "mappings": [
            {
                "type": "value",
                "options": {
                    "-1": {"index": 2, "text": Text("bridge is down", "桥接无响应"), "color": GREY},
                    "0": {"index": 0, "text": Text("no answer", "无响应"), "color": RED},
                    "1": {"index": 1, "text": Text("answers", "正常"), "color": GREEN},
                },
            }
        ]
    },
)
_STALE_COUNT: Final = stat(
    PanelText(
        Text("Nodes without reports", "无上报节点数"),
        Text("Not 0: see the list of silent scripts below.", "非 0：见下方脚本无上报的节点列表。"),
        "short",
    ),
    queries.STALE_COUNT,
    {"thresholds": absolute_thresholds((GREEN, 0), (ORANGE, 1))},
)
_CLIENTS: Final = stat(
    PanelText(
        Text("Open web dashboards", "网页连接数"),
        Text(
            "0 although a page is open: it shows old data. Reload it, and check that it reaches port 8001.",
            "页面已打开却为 0：该页面显示的是旧数据，请刷新并检查能否访问 8001 端口。",
        ),
        "short",
    ),
    queries.CLIENTS,
)


def _list_of_nodes(text: PanelText, expr: str) -> Panel:
    names = {"node": NODE, "node_ip": ADDRESS}
    links = [override("byName", NODE, links=[LINK_OF_CELL])]
    return listing(text, expr, names, links, none=Text("None known", "未发现"))


_UNREACHABLE: Final = _list_of_nodes(
    PanelText(
        Text("Monitors that do not answer the bridge", "桥接无法读取的监控服务"),
        Text("Check the service and port 8000 on these nodes.", "请检查这些节点的服务与 8000 端口。"),
    ),
    queries.UNREACHABLE,
)
_LOST: Final = _list_of_nodes(
    PanelText(
        Text("Nodes missing in Ray", "Ray 中缺失的节点"),
        Text(
            "Is the board on, and `ray start` run on it? Remove a decommissioned board from the inventory. "
            "Listed are those in the inventory or seen within the last hour.",
            "请检查板卡是否开机并已运行 `ray start`；已永久撤下的板卡请从清单中删除。"
            "列出清单中或一小时内出现过的节点。",
        ),
    ),
    queries.LOST,
)
_STALE: Final = _list_of_nodes(
    PanelText(
        Text("Silent scripts", "脚本无上报的节点"),
        Text(
            "No report: the light shows idle because nothing contradicts it. Check that the inference script runs "
            "on these nodes.",
            "无上报：指示灯显示空闲仅因没有相反的数据。请检查这些节点的推理脚本是否运行。",
        ),
    ),
    queries.STALE,
)
_VERSION: Final = Text("Version", "版本号")
_VERSIONS: Final = listing(
    PanelText(
        Text("Versions", "版本"),
        Text(
            "More than one version: an upgrade was not finished. The oldest come first: upgrade these.",
            "多于一个版本：升级尚未完成。最旧的在前，请升级这些节点。",
        ),
    ),
    queries.VERSIONS,
    {"node": NODE, "version": _VERSION},
    none=Text("Nothing answers", "均无响应"),
    sort_by=_VERSION,
    descending=False,
)
_PROBES: Final = timeseries(
    PanelText(
        Text("Probes of the bridge by result", "桥接探测结果"),
        Text(
            "timeout: host off or frozen; refused: host up, monitor not running.",
            "timeout 为主机关机或卡死；refused 为主机在线但监控未运行。",
        ),
        "ops",
    ),
    [Query(queries.PROBES, "{{result}}")],
)
_PROBE_SECONDS: Final = timeseries(
    PanelText(
        Text("Duration of probes (p95)", "探测耗时（p95）"),
        Text("Near one second: nodes hang or the network is overloaded.", "接近一秒：节点卡死或网络拥塞。"),
        "s",
    ),
    [Query(queries.PROBE_QUANTILE, "p95")],
)
_SCRAPES: Final = timeseries(
    PanelText(
        Text("Slowest scrape per job", "最慢抓取耗时"),
        Text(
            "A flat top is the time after which Prometheus gives up: see which target is down, and its network.",
            "曲线平顶即 Prometheus 放弃抓取的时限：请检查无响应的目标及其网络。",
        ),
        "s",
    ),
    [Query(queries.SCRAPE_SECONDS, "{{job}}")],
)
_SCRAPE_FAILURES: Final = timeseries(
    PanelText(
        Text("Targets down per job", "抓取失败目标数"),
        Text(
            "Not the same as the bridge's list: Prometheus is behind another firewall.",
            "与桥接列表不一致时：Prometheus 处于不同的防火墙之后。",
        ),
        "short",
    ),
    [Query(queries.SCRAPE_FAILURES, "{{job}}")],
)
_REPORTS: Final = timeseries(
    PanelText(
        Text("Reports per second", "每秒上报数"),
        Text(
            "Rejected ones: a script sends something wrong; the monitor's log says what.",
            "rejected：脚本上报有误，详见监控服务日志。",
        ),
        "ops",
    ),
    [Query(queries.REPORTS, "{{result}}")],
)
_JOURNAL_ERRORS: Final = timeseries(
    PanelText(
        Text("Journal errors", "记录写入错误"),
        Text(
            "Free disk space on these nodes, or replace their storage card.",
            "请清理这些节点的磁盘空间或更换存储卡。",
        ),
        "short",
    ),
    [Query(queries.JOURNAL_ERRORS)],
    many=True,
    defaults={"noValue": Text("None", "无")},
    interval="1m",
)

DASHBOARD: Final = Dashboard(
    "health",
    Text("Whether the lights can be trusted.", "指示灯是否可信。"),
    [datasource_variable()],
    [
        Row(5, [(_BRIDGE_AGE, 6), (_RAY, 6), (_STALE_COUNT, 6), (_CLIENTS, 6)]),
        Row(8, [(_UNREACHABLE, 6), (_LOST, 6), (_STALE, 6), (_VERSIONS, 6)]),
        Row(8, [(_PROBES, 12), (_PROBE_SECONDS, 12)]),
        Row(8, [(_SCRAPES, 12), (_SCRAPE_FAILURES, 12)]),
        Row(8, [(_REPORTS, 12), (_JOURNAL_ERRORS, 12)]),
    ],
    refresh=30,
)
