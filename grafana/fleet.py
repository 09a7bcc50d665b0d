"""The Fleet dashboard: what every node does now, and did in the last hour."""

from __future__ import annotations

from grafanalib.core import Dashboard, Panel

from exporter.states import REPORTABLE
from grafana import queries
from grafana.dashboard import Row, build, cell_link, datasource_variable, node_link, node_variable, saying
from grafana.panel_types import lights, states_count, timeline, timeseries_with_limit
from grafana.panels import Json, PanelText, Query, override
from grafana.promql import per_node
from grafana.tables import COLOURED, Column, LimitColumn, figures, listing
from grafana.thresholds import ORANGE, RED


def dashboard(lang: str) -> Dashboard:
    """Return the dashboard in `lang`."""
    say = saying(lang)
    rows = [
        Row(4, [(_counts(lang), 24)]),
        Row(14, [(_lights(lang), 24)]),
        Row(13, [(_timeline(lang), 24)]),
        Row(9, [(_sends(lang), 12), (_low_confidence(lang), 12)]),
        Row(8, [(_firing(lang), 14), (_silent(lang), 10)]),
        Row(11, [(_senders(lang), 24)]),
    ]
    return build(
        "fleet",
        lang,
        say("What every node does now and did in the last hour.", "每个节点当前与最近一小时的工作状态。"),
        [datasource_variable(say), node_variable(say, multi=True), _interval(lang)],
        rows,
    )


def _interval(lang: str) -> Json:
    say = saying(lang)
    return {
        "name": "interval",
        "type": "interval",
        "query": "5s,15s,30s,1m,5m",
        "label": say("Interval", "间隔"),
        "current": {"selected": True, "text": "5s", "value": "5s"},
        "hide": 0,
    }


def _counts(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Nodes per state", "各状态节点数"),
        say(
            "Many red at once: look at the server first. Any grey: see Monitoring health. "
            "Of all nodes, whichever are chosen above.",
            "红色过多先查服务端；出现灰色请看“监控健康”。始终统计全部节点。",
        ),
    )
    return states_count(head, queries.state_count, lang)


def _lights(lang: str) -> Panel:
    say = saying(lang)
    colours = "、".join(f"{state.zh}" for state in REPORTABLE)
    head = PanelText(
        say("Traffic lights", "状态指示灯"),
        say(
            "Green idle, blue detecting, red sending to the server, grey no answer. Click a light for its node.",
            f"绿、蓝、红依次为{colours}，灰色为无响应。点击指示灯查看该节点。",
        ),
    )
    return lights(head, Query(queries.LIGHTS), lang, node_link(say, lang))


def _timeline(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("States over time", "状态历史"),
        say(
            "One row per node. Long red: the node waits for the server. Grey: nobody answered. "
            f"Of more than {queries.MOST_ROWS} nodes: the silent ones and those that sent most; choose others above.",
            "每行一个节点。长时间红色说明在等待服务端，灰色为无响应。"
            f"超过 {queries.MOST_ROWS} 个节点时仅显示无响应及发送最多的节点，其余请在上方选择。",
        ),
    )
    return timeline(head, Query(queries.FLEET_HISTORY), lang, "$interval")


def _sends(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Sends per minute", "每分钟发送次数"),
        say(
            "Whoever stays above the dashed line raises an alert: check camera, light and model of that node.",
            "持续超过虚线将触发告警：请检查该节点的摄像头、光照与模型。",
        ),
        "short",
    )
    limit = Query(queries.SENDS_THRESHOLD, say("limit", "阈值"))
    return timeseries_with_limit(head, [Query(queries.SENDS_PER_MINUTE)], limit, many=True)


def _low_confidence(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Low-confidence share", "低置信度比例"),
        say(
            "A node that rises alone sees something new or is dirty; all together: the model is out of date.",
            "单个节点上升说明场景变化或镜头脏污；全部上升说明模型过时。",
        ),
        "percentunit",
    )
    limit = Query(queries.LOW_CONFIDENCE_THRESHOLD, say("limit", "阈值"))
    return timeseries_with_limit(head, [Query(queries.LOW_CONFIDENCE)], limit, many=True, defaults={"max": 1})


def _senders(lang: str) -> Panel:
    say = saying(lang)
    sends = say("Sends (1 h)", "发送次数（1 小时）")
    per_minute, low = per_node(queries.SENDS_PER_MINUTE), per_node(queries.LOW_CONFIDENCE)
    p95, age = per_node(queries.INFERENCE_P95), per_node(queries.REPORT_AGE)
    columns: list[Column | LimitColumn] = [
        Column(sends, queries.SENDS_LAST_HOUR, decimals=0),
        Column(say("Sends/min", "每分钟发送"), per_minute, decimals=1),
        LimitColumn(say("of limit: sends", "占阈值：发送"), per_minute, queries.SENDS_THRESHOLD),
        Column(say("Low confidence", "低置信度"), low, "percentunit", 0),
        LimitColumn(say("of limit: low conf.", "占阈值：置信度"), low, queries.LOW_CONFIDENCE_THRESHOLD),
        Column(say("Mean inference", "平均推理"), per_node(queries.INFERENCE_MEAN), "s"),
        Column(say("p95 inference", "p95 推理"), p95, "s"),
        LimitColumn(say("of limit: p95", "占阈值：p95"), p95, queries.INFERENCE_P95_THRESHOLD),
        Column(say("Last report", "上次上报"), age, "s", 0),
        LimitColumn(say("of limit: report", "占阈值：上报"), age, queries.REPORT_AGE_THRESHOLD),
    ]
    head = PanelText(
        say("Top senders", "发送最多的节点"),
        say(
            "Start at the top: these nodes load the server most. Red: an alert's limit is reached; orange: half of it.",
            "从上往下查看：这些节点给服务端带来的负载最大。红色为已达告警阈值，橙色为已过一半。",
        ),
    )
    return figures(head, say("Node", "节点"), columns, sends, cell_link(say, lang))


def _firing(lang: str) -> Panel:
    say = saying(lang)
    node, severity, since = say("Node", "节点"), say("Severity", "级别"), say("Since", "开始于")
    colours = {"critical": RED, "warning": ORANGE, "info": REPORTABLE[1].colour}
    mapping = {name: {"index": index, "color": colour} for index, (name, colour) in enumerate(colours.items())}
    return listing(
        PanelText(
            say("Firing alerts", "当前告警"),
            say(
                "The newest first. What to do stands under the alert's name in the runbooks. Those silenced in "
                "Alertmanager are here too, and those of the whole fleet whichever nodes are chosen above.",
                "最新的在前。处理办法见处置手册中同名章节。"
                "已在 Alertmanager 中静默的告警同样列出；全局告警不受上方节点选择影响。",
            ),
        ),
        queries.FIRING,
        {"severity": severity, "alertname": say("Alert", "告警"), "node": node, "Value": since},
        [
            override(
                "byName", severity, mappings=[{"type": "value", "options": mapping}], custom__width=110, **COLOURED
            ),
            override("byName", node, links=[cell_link(say, lang)], custom__width=140, noValue="–"),
            override("byName", since, unit="dateTimeFromNow", custom__width=170),
        ],
        none=say("No alert is firing", "当前无告警"),
        sort_by=since,
    )


def _silent(lang: str) -> Panel:
    say = saying(lang)
    node, reason = say("Node", "节点"), say("Reason", "原因")
    reasons = (
        say("not alive in Ray", "Ray 中不在线"),
        say("no answer to the bridge", "桥接无法读取"),
        say("no answer to Prometheus", "Prometheus 无法读取"),
    )
    mapping = {str(code): {"index": code, "text": text} for code, text in enumerate(reasons, start=1)}
    return listing(
        PanelText(
            say("Nodes without an answer", "无响应的节点"),
            say(
                "Not alive in Ray: is the board on? No answer: is the monitor running there, and its port open? "
                "Of all nodes, whichever are chosen above.",
                "Ray 中不在线：检查板卡是否开机；无法读取：检查该节点监控服务与端口。始终列出全部节点。",
            ),
        ),
        queries.SILENT,
        {"node": node, "node_ip": say("Address", "地址"), "Value": reason},
        [
            override("byName", node, links=[cell_link(say, lang)]),
            override("byName", reason, mappings=[{"type": "value", "options": mapping}]),
        ],
        none=say("All nodes answer", "所有节点均有响应"),
    )
