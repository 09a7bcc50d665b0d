"""The Monitoring health dashboard: whether the lights can be trusted."""

from __future__ import annotations

from typing import Final

from castray_bridge.probes.failures import FAILURES
from grafana import health_queries as health
from grafana.dashboard import LINK_OF_CELL, Dashboard, Row, datasource_variable
from grafana.panel_types import stat
from grafana.panels import Panel, PanelText, Query, absolute_thresholds, override
from grafana.tables import COLOURED, joined, listing, value_mapping
from grafana.texts import ADDRESS, NODE, Text
from grafana.thresholds import GREEN, GREEN_SHADE, GREY, ORANGE, ORANGE_SHADE, RED
from grafana.timeseries import counts, events, timeseries

_NO_DATA: Final = {health.NO_DATA: (Text("no data: is the source scraped?", "无数据：检查其是否被抓取"), "")}
_FAILURES: Final = [row for row in FAILURES if row.is_probe_result]
_TIMEOUT: Final = Text("timeout", "超时")

_BRIDGE_AGE: Final = stat(
    PanelText(
        Text("Age of the bridge's data", "桥接数据年龄"),
        Text("Red: restart castray-bridge and read its log.", "变红：重启 castray-bridge 并查看日志。"),
        "s",
    ),
    health.SNAPSHOT_AGE,
    {"decimals": 1},
    limit=health.SNAPSHOT_THRESHOLD,
)
_RAY: Final = stat(
    PanelText(
        "Ray",
        Text(
            "No answer: the node list is an old one; check the head node's dashboard. Bridge is down: restart it.",
            "无响应时节点列表为旧数据：请检查头节点的 Ray 看板。桥接无响应：请重启 castray-bridge。",
        ),
    ),
    health.RAY_UP,
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
    health.STALE_COUNT,
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
    health.CLIENTS,
)


_NODES: Final = override("byName", NODE, links=[LINK_OF_CELL], mappings=[value_mapping(_NO_DATA)])


def _list_of_nodes(text: PanelText, expr: str) -> Panel:
    names = {"node": NODE, "node_ip": ADDRESS}
    return listing(text, expr, names, [_NODES], none=Text("None", "无"))


_UNREACHABLE: Final = _list_of_nodes(
    PanelText(
        Text("Monitors that do not answer the bridge", "桥接无法读取的监控服务"),
        Text("Check the service and port 8000 on these nodes.", "请检查这些节点的服务与 8000 端口。"),
    ),
    health.UNREACHABLE,
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
    health.LOST,
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
    health.STALE,
)
_VERSION: Final = Text("Version", "版本号")
_COUNT: Final = Text("How many", "数量")
_VERSIONS: Final = listing(
    PanelText(
        Text("Versions", "版本"),
        Text(
            "How many monitors and bridges run each version. More than one: an upgrade was not finished.",
            "各版本的监控与桥接服务数量。多于一个版本：升级尚未完成。",
        ),
    ),
    health.VERSION_COUNTS,
    {"version": _VERSION, "Value": _COUNT},
    [override("byName", _COUNT, decimals=0, custom__width=130)],
    none=Text("Nothing answers", "均无响应"),
    sort_by=_COUNT,
)
_LAGGARDS: Final = listing(
    PanelText(
        Text("Other versions than most", "与多数不同的版本"),
        Text(
            "Upgrade these; or the others, if these are the first of an upgrade.",
            "请升级这些服务；若它们是升级的第一批，则升级其余的。",
        ),
    ),
    health.LAGGARDS,
    {"node": NODE, "version": _VERSION},
    [_NODES],
    none=Text("None: all run the same version", "无：版本一致"),
    sort_by=_VERSION,
    descending=False,
)
_PROBES: Final = timeseries(
    PanelText(
        Text("Failed probes of the bridge by reason", "桥接探测失败原因"),
        Text(
            " ".join(f"{row.en}: {row.advice_en}." for row in _FAILURES),
            "".join(f"{row.zh}：{row.advice_zh}。" for row in _FAILURES),
        ),
        "ops",
    ),
    [Query(health.PROBES, "{{result}}")],
    names=[row.name for row in _FAILURES],
    texts={row.name: Text(row.en, row.zh) for row in _FAILURES},
)
_PROBE_SECONDS: Final = timeseries(
    PanelText(
        Text("Duration of probes (p95)", "探测耗时（p95）"),
        Text(
            "Near the timeout: nodes hang or the network is overloaded. The line is the default of --timeout.",
            "接近超时：节点卡死或网络拥塞。虚线为 --timeout 的默认值。",
        ),
        "s",
    ),
    [Query(health.PROBE_QUANTILE, "p95")],
    limit=Query(health.PROBE_TIMEOUT, _TIMEOUT),
)
_SCRAPES: Final = timeseries(
    PanelText(
        Text("Slowest scrape per job", "最慢抓取耗时"),
        Text(
            "At the timeout, Prometheus gives up: see which target is down, and its network. The line is the timeout "
            "of monitors and bridge in prometheus.yml; Ray's is longer.",
            "达到超时时 Prometheus 放弃抓取：请检查无响应的目标及其网络。"
            "虚线为 prometheus.yml 中监控与桥接的超时，Ray 的更长。",
        ),
        "s",
    ),
    [Query(health.SCRAPE_SECONDS, "{{job}}")],
    names=health.JOBS,
    limit=Query(health.SCRAPE_TIMEOUT, _TIMEOUT),
)
_SCRAPE_FAILURES: Final = counts(
    PanelText(
        Text("Targets down per job", "抓取失败目标数"),
        Text(
            "Not the same as the bridge's list: Prometheus is behind another firewall.",
            "与桥接列表不一致时：Prometheus 处于不同的防火墙之后。",
        ),
        "short",
    ),
    [Query(health.SCRAPE_FAILURES, "{{job}}")],
    health.JOBS,
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
    [Query(health.REPORTS, "{{result}}")],
    names=health.REPORT_RESULTS,
)
_JOURNAL_ERRORS: Final = events(
    PanelText(
        Text("Journal errors", "记录写入错误"),
        Text(
            "Free disk space on these nodes, or replace their storage card. One bar: errors within a minute.",
            "请清理这些节点的磁盘空间或更换存储卡。每个柱为一分钟内的错误数。",
        ),
        "short",
    ),
    Query(health.JOURNAL_ERRORS),
    none=Text("None", "无"),
    interval="1m",
)
_LAST_DELIVERY: Final = Text("Last delivery", "上次送达")
_FAILED: Final = Text("Failed (1 d)", "失败（1 天）")
_DELIVERIES: Final = joined(
    PanelText(
        Text("Last delivery of alerts", "告警消息上次送达"),
        Text(
            "By service. Failures: on the head, `curl http://127.0.0.1:5001/api/health` says why, and "
            "`cmzsb-notify --test` tries every address. No last delivery: no message since cmzsb-notify started.",
            "按服务列出。有失败时：在头节点上，`curl http://127.0.0.1:5001/api/health` 给出原因，`cmzsb-notify --test` "
            "逐一测试地址。上次送达为空：cmzsb-notify 启动后尚无消息。",
        ),
    ),
    [health.FAILED_DELIVERIES, health.LAST_DELIVERY],
    {"service": Text("Service", "服务"), "Value #B": _LAST_DELIVERY, "Value #A": _FAILED},
    [
        override("byName", _LAST_DELIVERY, unit="dateTimeFromNow", noValue="–"),
        override(
            "byName",
            _FAILED,
            decimals=0,
            thresholds=absolute_thresholds((GREEN_SHADE, 0), (ORANGE_SHADE, 1)),
            **COLOURED,
        ),
    ],
    none=Text("cmzsb-notify is not scraped", "未抓取 cmzsb-notify"),
)

DASHBOARD: Final = Dashboard(
    "health",
    Text("Whether the lights can be trusted.", "指示灯是否可信。"),
    [datasource_variable()],
    [
        Row(5, [(_BRIDGE_AGE, 6), (_RAY, 6), (_STALE_COUNT, 6), (_CLIENTS, 6)]),
        Row(8, [(_UNREACHABLE, 8), (_LOST, 8), (_STALE, 8)]),
        Row(7, [(_VERSIONS, 8), (_LAGGARDS, 8), (_JOURNAL_ERRORS, 8)]),
        Row(8, [(_PROBES, 12), (_PROBE_SECONDS, 12)]),
        Row(8, [(_SCRAPES, 12), (_SCRAPE_FAILURES, 12)]),
        Row(8, [(_REPORTS, 12), (_DELIVERIES, 12)]),
    ],
    refresh=30,
)
